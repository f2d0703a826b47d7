"""Add the results of a model, or of the 2-D example, to its run in MLflow, in few requests.

Each function can be called again, even after a failure, and then adds what is missing.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from softmax.analysis.images import gray, tiles
from softmax.analysis.trained_models import TrainedModel, provenance
from softmax.core import model
from softmax.core.arrays import Table
from softmax.pipeline import datasets, paths
from softmax.pipeline.params import ModelParams, Params
from softmax.tracking import registry, views
from softmax.tracking.store import Client, Model, Run

if TYPE_CHECKING:
    from mlflow.entities import Dataset, DatasetInput, Metric, Param

REQUEST = 1000  # metrics that MLflow accepts in one request
CONTEXTS = {"train": "training", "validation": "validation", "test": "test"}
BATCH_LOSS = "train_loss_of_batch"  # this name comes late, because MLflow sorts charts by name
SLIDER = "weights by number of batches before the end"  # because MLflow first shows step 0
BY_CLASS = "evaluation/classes.json"  # a table in MLflow's evaluation view
NOTE = "**{accuracy:.2%}** of {total} test images correct.\n\n{text}\n\n{mistakes}\n"
PICTURE = "![weights](get-artifact?path={path}&run_uuid={run_id})"


class Entries(NamedTuple):
    """What `add` adds to a run. Artifacts and models need requests of their own."""

    metrics: "list[Metric]"
    params: "list[Param]"
    tags: dict[str, str]
    datasets: "list[DatasetInput]"


def add(client: Client, run: Run, *entries: Entries) -> None:
    """Add all `entries` to a run in as few requests as MLflow accepts."""
    from mlflow.entities import RunTag
    from mlflow.exceptions import MlflowException

    run_id, datasets = run.info.run_id, [one for x in entries for one in x.datasets]
    metrics = [one for x in entries for one in x.metrics]
    params = [one for x in entries for one in x.params]
    tags = [RunTag(*tag) for x in entries for tag in x.tags.items()]
    if datasets:
        try:
            client.log_inputs(run_id, datasets)
        except MlflowException as error:
            # a database rejects one of two simultaneous requests
            if error.error_code != "BAD_REQUEST":
                raise
            client.log_inputs(run_id, datasets)
    first = REQUEST - len(params) - len(tags)
    client.log_batch(run_id, metrics[:first], params, tags)
    for start in range(first, len(metrics), REQUEST):
        client.log_batch(run_id, metrics[start : start + REQUEST])


def training(client: Client, run: Run, trained: TrainedModel, cache: Path) -> tuple[Model, Entries]:
    """Log the model, and return it with params, curves and data sets.

    The directory `cache` keeps files for the next model.
    """
    contexts = ["training"] + ["validation"] * (trained.config.train.validation > 0)
    epochs = pd.read_csv(trained.directory / paths.EPOCHS)
    end = epochs["step"].tolist()[-1]
    logged = registry.log_model(client, run, trained, end, cache)
    losses = pd.read_csv(trained.directory / paths.LOSSES).rename(columns={"loss": BATCH_LOSS})
    # MLflow compares models by the first metric; the loss of a batch belongs to earlier weights
    curves = _curves(run, epochs, trained, {end: logged}) + _curves(run, losses, trained)
    values = params(trained.config, "download", "train")
    return logged, Entries(curves, values, {}, _inputs(trained, contexts))


def evaluation(client: Client, run: Run, trained: TrainedModel) -> None:
    """Add the test metrics and files of the evaluation, and set the name and note of the run."""
    run_id, directory = run.info.run_id, trained.directory
    for path in (paths.TEST_METRICS, paths.CONFUSION, paths.PREDICTIONS, paths.MODEL_CARD):
        client.log_artifact(run_id, str(directory / path), "evaluation")
    client.log_artifacts(run_id, str(directory / paths.PREDICTION_FIGURES), "samples")
    picture = PICTURE.format(path="weights/grid/gray.png", run_id=run_id)
    columns = ["label", "prediction"]  # reading the probabilities would take most of the time
    table = pd.read_csv(directory / paths.PREDICTIONS, usecols=columns)
    confusion = classes(client, run, trained, {name: table[name].to_numpy() for name in columns})
    entries = scores(run, trained, registry.find_model(client, run), confusion, picture)
    # a tag, because params cannot change, but the samples can for the same model
    entries.tags["evaluate.samples"] = str(trained.config.evaluate.samples)
    add(client, run, entries)
    registry.describe(client, trained, entries.tags["mlflow.runName"])


def classes(client: Client, run: Run, trained: TrainedModel, answers: Table) -> pd.DataFrame:
    """Log a table of classes, and return the confusion matrix.

    `answers` contains the label and the prediction of each test image.
    """
    confusion = views.confusion(answers, trained.entry().classes)
    client.log_text(run.info.run_id, views.by_class(confusion), BY_CLASS)
    return confusion


def scores(
    run: Run, trained: TrainedModel, logged: Model, confusion: pd.DataFrame, text: str
) -> Entries:
    """Return the test metrics, the name of the run, and a note with `text` and the mistakes."""
    metrics: dict[str, Any] = json.loads((trained.directory / paths.TEST_METRICS).read_bytes())
    # a metric with only one value is drawn as a bar
    row = {f"test_{key}": value for key, value in metrics.items() if isinstance(value, float)}
    row[views.ERROR] = round(100 * (1 - metrics["accuracy"]), 4)  # percent: bars have two decimals
    note = NOTE.format(text=text, mistakes=views.mistakes(confusion), **metrics)
    tags = {
        "mlflow.runName": f"{metrics['accuracy']:.2%} · {trained.hyperparameters()}",
        "mlflow.note.content": note.replace(*views.BORDER),
        "mlflow.loggedArtifacts": json.dumps([{"path": BY_CLASS, "type": "table"}]),
        **provenance(trained.locked()),
    }
    curves = _curves(run, pd.DataFrame([{"step": 0, **row}]), trained, {0: logged})
    return Entries(curves, [], tags, _inputs(trained, ["test"]))


def is_comparable(run: Run, trained: TrainedModel) -> bool:
    """Tell whether `run` was evaluated on the test set of `trained`, or not at all."""
    mine = _dataset(trained, "test")
    logged = [entry.dataset for entry in run.inputs.dataset_inputs]
    return all(other.digest == mine.digest for other in logged if other.name == mine.name)


def images(client: Client, run: Run, trained: TrainedModel) -> None:
    """Add the weight images, and those after each epoch as steps of one image, counted down."""
    from mlflow.artifacts import list_artifacts

    run_id = run.info.run_id
    client.set_tag(run_id, "export.scale", str(trained.config.export.scale))
    client.log_artifacts(run_id, str(trained.directory / paths.WEIGHT_IMAGES), "weights")
    epochs = pd.read_csv(trained.directory / paths.EPOCHS).set_index("epoch")["step"]
    entry = trained.entry()
    uri = f"{run.info.artifact_uri}/images"  # a run id would make MLflow request the run
    logged = [file.path for file in list_artifacts(uri, tracking_uri=client.tracking_uri)]
    for path in (trained.directory / paths.EPOCH_WEIGHTS).glob("*.safetensors"):
        left = int(epochs.max() - epochs.get(int(path.stem), 0))
        names = [name for name in logged if SLIDER in name and f"+step+{left}+" in name]
        if len(names) < 2:  # the image and its thumbnail
            picture = views.contact_sheet(gray(tiles(model.load(path), entry.shape)), entry.classes)
            client.log_image(run_id, picture, key=SLIDER, step=left)


def report(client: Client, run: Run, trained: TrainedModel) -> None:
    """Add the HTML report, which MLflow can display."""
    client.log_artifact(run.info.run_id, str(trained.directory / paths.REPORT), "report")


def lesson(client: Client, run: Run, config: Params) -> None:
    """Add params, curves, W and b, tables and figures of the 2-D example."""
    run_id, curves = run.info.run_id, _curves(run, pd.read_csv(paths.LESSON_EPOCHS))
    add(client, run, Entries(curves, params(config, "lesson"), {}, []))
    client.log_artifact(run_id, str(paths.LESSON_WEIGHTS), "model")
    for table in (paths.LESSON_METRICS, paths.LESSON_POINTS, paths.LESSON_EXAMPLES):
        client.log_artifact(run_id, str(table), "tables")
    client.log_artifacts(run_id, str(paths.LESSON_FIGURES), "figures")


def params(config: ModelParams, *sections: str) -> "list[Param]":
    """Return the params of these sections, with names such as train.epochs."""
    from mlflow.entities import Param

    return [
        Param(f"{section}.{key}", str(value))
        for section in sections
        for key, value in getattr(config, section).model_dump().items()
    ]


def _curves(
    run: Run,
    table: pd.DataFrame,
    trained: TrainedModel | None = None,
    models: dict[int, Model] | None = None,
) -> "list[Metric]":
    """Return the metrics in `table`, with their data set and the model of their step, if any.

    All have the start time of the run, so a repeated call does not add a second value.
    """
    from mlflow.entities import Metric

    metrics, link = [], {}
    for key in table.columns.drop(["step", "epoch", "batch"], errors="ignore"):
        if trained:
            source = _dataset(trained, CONTEXTS[key.split("_")[0]])
            link = {"dataset_name": source.name, "dataset_digest": source.digest}
        for step, value in zip(table["step"].tolist(), table[key].tolist(), strict=True):
            of_model = {"model_id": models[step].model_id} if models and step in models else {}
            metrics.append(Metric(key, value, run.info.start_time, step, **of_model, **link))
    return metrics


def _inputs(trained: TrainedModel, contexts: list[str]) -> "list[DatasetInput]":
    """Return the data sets for these contexts as inputs of a run."""
    from mlflow.entities import DatasetInput, InputTag

    return [
        DatasetInput(_dataset(trained, context), [InputTag("mlflow.data.context", context)])
        for context in contexts
    ]


def _dataset(trained: TrainedModel, context: str) -> "Dataset":
    """Return the training, validation or test set as an entity of MLflow."""
    from mlflow.entities import Dataset

    name = trained.config.download.dataset
    return Dataset(
        name=f"{name}-{context}",
        digest=trained.digest(context),
        source_type="http",
        source=json.dumps({"url": datasets.load()[name].homepage}),
        **_contents(trained, context),
    )


def _contents(trained: TrainedModel, context: str) -> dict[str, str]:
    """Return the schema and profile of the data set, or {} if datasets.yaml has a new version."""
    from mlflow.data.schema import TensorDatasetSchema
    from mlflow.types import Schema, TensorSpec

    entry = datasets.load()[trained.config.download.dataset]
    if trained.data_hashes() != entry.sha256:
        return {}
    training, test = entry.images
    validation_set = trained.config.train.validation
    count = {"training": training, "validation": validation_set, "test": test}[context]
    pixels, labels = (
        Schema([TensorSpec(np.dtype(np.uint8), (-1, *sizes), key)])
        for key, sizes in {"images": entry.shape, "labels": ()}.items()
    )
    profile = {"num_rows": count, "num_elements": count * entry.size[1]}
    schema = TensorDatasetSchema(pixels, labels).to_dict()
    return {"schema": json.dumps(schema), "profile": json.dumps(profile)}
