"""What MLflow's rows say of one recipe with other seeds."""

from softmax.provenance import lock
from softmax.provenance.facts import Facts, provenance
from softmax.tracking import replay, store


def accuracies(facts: Facts) -> dict[int, float]:
    """The test accuracy by seed of all rows with the same params, data and code.

    Empty where nothing is known. Raises TrackingError if it cannot be reached.
    """
    if not store.exists():
        return {}
    made_of = provenance(lock.load(facts.folder))
    recipe = facts.settings.train.model_dump(exclude={"seed"})
    same = {f"params.`train.{key}`": str(value) for key, value in recipe.items()}
    same |= {f"tags.`{key}`": value for key, value in made_of.items()}
    query = " and ".join(f"{key} = '{value}'" for key, value in same.items())
    with store.clear_errors():
        client = store.connect()
        experiment = store.experiment(client, store.experiment_name(facts.settings))
        rows = store.search(client, experiment, query)
    return {
        int(row.data.params["train.seed"]): row.data.metrics["test_accuracy"]
        for row in rows
        if "test_accuracy" in row.data.metrics and replay.is_comparable(row, facts)
    }
