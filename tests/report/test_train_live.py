"""Test that training in the report gives Python's weights, for all hyperparameters."""

from typing import Any

from helpers.tiny import params
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page, expect

from softmax.core import batches
from softmax.errors import RangeError
from softmax.pipeline import datasets
from softmax.training import fitting, optimizers, scoring

TRAINED = """async ([config, count]) => {
  const modules = ["results", "digits", "randomness", "trainer"];
  for (const name of modules) Object.assign(window, await import(`softmax/${name}`));
  const all = await pictures(window.results.train.pixels, count);
  const images = all.map((pixels, n) => ({ pixels, label: window.results.train.label[n] }));
  const trainer = new Trainer(initialWeights(784, BigInt(config.seed), 10), images, 10, config);
  for (const _ of trainer.run());
  return trainer.exact ? toRows(trainer.theta, 10).map((row) => [...row]) : null;
}"""


def in_python(count: int, **config: Any) -> fitting.Epoch:
    """Return the last of five epochs on the first `count` images, with the lecture's defaults."""
    first, _ = batches.load(*datasets.training("mnist")).split(60_000 - count)
    lecture = {"epochs": 5, "batch_size": 64, "learning_rate": 0.001}
    return [*fitting.fit(*first.split(0), params(**lecture | config))][-1]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.integers(1, 300),
    seed=st.integers(0, 2**64 - 1),
    batch_size=st.integers(1, 400),
    optimizer=st.sampled_from(sorted(optimizers.OPTIMIZERS)),
    learning_rate=st.floats(1e-5, 1e3),
    momentum=st.floats(0, 0.99),
)
def test_browser_weights_equal_python(page: Page, count: int, seed: int, **config: Any) -> None:
    try:
        expected = in_python(count, seed=seed, **config).theta.tolist()
    except RangeError:
        expected = None
    assert page.evaluate(TRAINED, [{**config, "epochs": 5, "seed": str(seed)}, count]) == expected


def test_readers_train_with_the_lectures_or_their_own_hyperparameters(page: Page) -> None:
    play, score, verdict = (page.locator(f"#train-{name}") for name in ("play", "score", "verdict"))
    page.evaluate("document.addEventListener('trained', ({ detail }) => (window.got = detail))")
    accuracy = scoring.score(in_python(2000).theta, batches.load(*datasets.test("mnist"))).accuracy
    play.click()
    expect(verdict).to_contain_text("Equal: ", timeout=30_000)
    assert page.evaluate("got.accuracy") == accuracy
    expect(score).to_contain_text(f"step 160 of 160: {accuracy:.2%} of 10,000 test images")
    page.locator("#train-images").fill("100")
    page.locator("#train-optimizer").select_option("adam")
    page.emulate_media(reduced_motion="no-preference")
    play.click()
    expect(page.locator("#train-changes li")).to_have_count(2, timeout=30_000)
    assert page.evaluate("[...got.weights]") == [*in_python(100, optimizer="adam").theta.flat]
    page.locator("#train-rate").fill("1")  # its logarithm
    page.locator("#train-batch").select_option("1")
    play.click()
    expect(verdict).to_contain_text("Stopped: ", timeout=30_000)
