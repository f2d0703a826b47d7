"""Files with any damage: `make pin` takes what is in them, or refuses it in one line."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from fuzzing.damage import TOKENS, damaged
from helpers.workspace import error
from hypothesis import given, settings
from PIL import Image
from pinning.pins import PLACE, Pin, noise, saved, write_images

ARRAYS = {
    "x_train": noise(6, 2, 2),
    "y_train": np.arange(6) % 2,
    "x_test": noise(6, 2, 2, seed=1),
    "y_test": (np.arange(6) % 2).astype(str),
}
ROWS = "".join(f"{k % 2},{k},{2 * k},{3 * k},255\n" for k in range(20))
PICTURES = [Image.fromarray(noise(6, 9, *rgb)) for rgb in ((), (3,))]


SAMPLES = {
    "mine.npz": [saved(save, **ARRAYS) for save in (np.savez, np.savez_compressed)],
    "mine.csv": [f"label,a,b,c,d\n{ROWS}".encode()],
    "place/train/a/a.png": [
        saved(picture.save, kind)
        for kind in ("PNG", "JPEG", "BMP", "PPM", "TIFF", "WEBP")
        for picture in PICTURES
    ],
}


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("name", SAMPLES)
def test_a_damaged_file_is_pinned_or_refused_in_one_line(pin: Pin, name: str) -> None:
    write_images(PLACE, {"train/a": 1, "train/b": 1, "test/a": 1, "test/b": 1})
    place = PLACE if name.startswith(str(PLACE)) else name

    @settings(deadline=timedelta(seconds=5), max_examples=settings().max_examples // 5)
    @given(damaged(SAMPLES[name], TOKENS))
    def attempt(content: bytes) -> None:
        Path(name).write_bytes(content)
        printed = pin.run(place)
        assert printed.status == 0 or error(printed)

    attempt()
