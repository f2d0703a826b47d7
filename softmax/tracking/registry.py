"""Log models that MLflow can serve, register them, choose the champion, and load a model."""

import json
import re
import shutil
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from softmax.analysis import trained_models
from softmax.analysis.trained_models import TrainedModel
from softmax.core import batches, model
from softmax.errors import DataError, SoftmaxError, TrackingError, shown
from softmax.pipeline import datasets, files, paths
from softmax.tracking import store
from softmax.tracking.store import Client, Model, Run, Version
from softmax.training import scoring

PACKAGE = Path(__file__).parents[1]
# The modules that serving.py imports, and the packages that serving.py and these modules import.
MODULES = ("__init__", "errors", "core/__init__", "core/arithmetic", "core/arrays", "core/model")
PACKAGES = ("array-api-compat", "mlflow", "numpy", "pandas", "safetensors")
CHAMPION = "champion"
DESCRIPTION = (
    "Softmax regression: maps {size} images to the probabilities of {classes} classes. A new "
    "version becomes the champion if it classifies more validation images correctly."
)
MOVE = """\
{stays}, which cannot be compared on the same {images} validation images: {why}. To move the \
champion to version {version.version}, run `python -c "from softmax.tracking import store; \
store.connect().set_registered_model_alias('{version.name}', 'champion', {version.version})"`"""
MAX_DESCRIPTION = 5000  # characters; the limit of PostgreSQL
REST = "\n\n... and more in the run's `evaluation/card.md`."
WEIGHTS_TAG = "weights.sha256"
IMAGES_TAG = "validation.images"
DIGEST_TAG = "validation.digest"
ACCURACY_TAG = "validation.accuracy"


def find_model(client: Client, run: Run) -> Model:
    """Return the model that was logged for `run`, or None."""
    found = client.search_logged_models(
        [run.info.experiment_id], f"source_run_id = '{run.info.run_id}'", max_results=1
    )
    return next(iter(found), None)


def log_model(client: Client, run: Run, trained: TrainedModel, step: int, cache: Path) -> Model:
    """Log the weights after `step` steps as a model with code, without pickle, and return it.

    The directory `cache` keeps its files for the next model of the same data set.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    if (model := find_model(client, run)) is None:
        name = trained.hyperparameters().replace(".", "·")  # MLflow does not allow dots
        model = client.create_logged_model(run.info.experiment_id, name, run.info.run_id)
    if model.status == LoggedModelStatus.READY:
        return model
    _save_model(cache, trained, run.info.run_id, model.model_id)
    client.log_model_artifacts(model.model_id, f"{cache}/model")
    known = run.outputs.model_outputs if run.outputs else []  # a new run has none
    if model.model_id not in {output.model_id for output in known}:
        client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step)])
    return client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)


def look_up_packages() -> None:
    """Make MLflow map packages to modules, which each process does once before it saves a model.

    With the import, this takes a third of a second, for which stage `train` would have to wait.
    """
    import mlflow.pyfunc  # noqa: F401 (`from mlflow import pyfunc` would postpone the import)
    from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

    warn_dependency_requirement_mismatches([PACKAGES[0]])


def _save_model(directory: Path, trained: TrainedModel, run_id: str, model_id: str) -> None:
    """Write the model to directory/model, and reuse the files of a model that is there."""
    from mlflow.models import Model

    if not (directory / "model").exists():
        _save_files(directory, trained)
    shutil.copy(weights := trained.directory / paths.WEIGHTS, directory / "model/artifacts")
    model = Model.load(directory / "model")
    model.run_id, model.model_id, model.model_uuid = run_id, model_id, model_id
    model.flavors["python_function"]["artifacts"]["weights"]["uri"] = str(weights)
    model.save(directory / "model/MLmodel")


def _save_files(directory: Path, trained: TrainedModel) -> None:
    """Write all files to directory/model, which takes ten times as long as replacing weights."""
    from mlflow import pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    code = directory / "softmax"
    (code / "core").mkdir(parents=True)
    for name in MODULES:
        shutil.copy(PACKAGE / f"{name}.py", code / f"{name}.py")
    entry = trained.entry()
    probabilities = [ColSpec("double", f"p{k}") for k in range(len(entry.classes))]
    pyfunc.save_model(
        directory / "model",
        python_model=str(Path(__file__).with_name("serving.py")),
        artifacts={"weights": str(trained.directory / paths.WEIGHTS)},
        code_paths=[str(code)],
        signature=ModelSignature(
            # MLflow accepts any shape and type as object; serving.py checks them
            Schema([TensorSpec(np.dtype(object), (-1,))]),
            Schema([ColSpec("long", "prediction"), *probabilities, ColSpec("string", "class")]),
        ),
        input_example=np.zeros((1, *entry.shape), np.uint8),
        model_config={"shape": list(entry.shape), "classes": list(entry.classes)},
        pip_requirements=[f"{name}=={metadata.version(name)}" for name in PACKAGES],
    )


def register(client: Client, run: Run, trained: TrainedModel, logged: Model) -> str:
    """Register `logged`, the model of `run`, unless its weights are registered.

    Return text to print.
    """
    name = store.experiment_name(trained.config)  # of the experiment and of the model
    entry = trained.entry()
    size = " x ".join(map(str, entry.shape))
    description = DESCRIPTION.format(size=size, classes=len(entry.classes))
    store.create(lambda: client.create_registered_model(name, description=description))
    with store.lock():
        version = _find_version(client, trained)
        if version is None:
            scores = json.loads((trained.directory / paths.TRAIN_METRICS).read_bytes())
            version = client.create_model_version(
                name,
                f"models:/{logged.model_id}",
                run.info.run_id,
                model_id=logged.model_id,
                description=trained.hyperparameters(),
                tags={
                    WEIGHTS_TAG: trained.sha256(),
                    IMAGES_TAG: str(trained.config.train.validation),
                    DIGEST_TAG: trained.digest("validation"),
                    ACCURACY_TAG: str(scores.get("validation_accuracy", "")),
                },
            )
        return f"{name} version {version.version}; {_promote(client, version, trained)}"


def describe(client: Client, trained: TrainedModel, title: str) -> None:
    """Set the description of the version with these weights, if any: `title` and model card."""
    text = f"{title}\n\n{(trained.directory / paths.MODEL_CARD).read_text()}"
    if len(text) > MAX_DESCRIPTION:  # cut at the end of a line, which is in the table of classes
        text = text[: text.rindex("\n", 0, MAX_DESCRIPTION - len(REST))] + REST
    if version := _find_version(client, trained):
        client.update_model_version(version.name, version.version, text)


def _find_version(client: Client, trained: TrainedModel) -> Version:
    """Return the registered version with these weights, or None."""
    name = store.experiment_name(trained.config)
    query = f"name='{name}' and tags.`{WEIGHTS_TAG}`='{trained.sha256()}'"
    return next(iter(client.search_model_versions(query)), None)


def _promote(client: Client, version: Version, trained: TrainedModel) -> str:
    """Make `version` the champion if its validation accuracy is higher; return text to print.

    If the champion was scored on different images, because the data changed, it is scored on the
    new images, although it may have been trained on some of them. The test set is not used, because
    it would then overestimate the accuracy of the champion.
    """
    from mlflow.exceptions import MlflowException

    champion = client.get_registered_model(version.name).aliases.get(CHAMPION)
    if str(champion) == str(version.version):  # a database returns int, a server str
        return "it is the champion"
    images, accuracy = version.tags[IMAGES_TAG], version.tags[ACCURACY_TAG]
    stays = f"the champion is still version {champion}" if champion else "there is no champion"
    if not accuracy:
        return f"{stays}, because train.validation is 0"
    if champion:
        rival = client.get_model_version(version.name, champion).tags
        best = rival[ACCURACY_TAG]
        if rival.get(DIGEST_TAG) != version.tags.get(DIGEST_TAG):
            try:
                best = _accuracy(f"models:/{version.name}/{champion}", trained)
            except (SoftmaxError, OSError, MlflowException) as error:
                why = shown(error).partition("\n")[0].rstrip(".")
                return MOVE.format(stays=stays, images=images, why=why, version=version)
        if float(best) >= float(accuracy):
            return f"{stays}, which is at least as good on the {images} validation images"
    client.set_registered_model_alias(version.name, CHAMPION, version.version)
    return f"it is the champion, with {float(accuracy):.2%} of {images} validation images correct"


def _accuracy(uri: str, trained: TrainedModel) -> float:
    """Return the accuracy of the registered model at `uri` on the validation set of `trained`.

    Raise DataError if these images are missing or changed, or if classes or image shapes differ.
    """
    from mlflow import artifacts, models

    entry, dataset = trained.entry(), trained.config.download.dataset
    images, labels = (trained.directory / path for path in datasets.training_files(dataset))
    here = [files.sha256(path) for path in (images, labels) if path.exists()]
    if here != [*trained.data_hashes()[:2]]:
        raise DataError("the training images of the new version are missing or have changed")
    with TemporaryDirectory() as directory:
        downloaded = artifacts.download_artifacts(uri, dst_path=directory)
        made = models.Model.load(downloaded).flavors["python_function"].get("config", {})
        if made != {"shape": [*entry.shape], "classes": [*entry.classes]}:
            raise DataError("the champion has different classes or a different image shape")
        (weights,) = Path(directory).rglob(paths.WEIGHTS.name)
        theta = model.load(weights, entry.size)
    data = batches.load(images, labels, (entry.images[0], *entry.shape), len(entry.classes))
    _, validation_set = data.split(trained.config.train.validation)
    return scoring.score(theta, validation_set).accuracy


ABSENT = "Use an existing version, such as models:/softmax-mnist/1. A champion exists only after a "
ABSENT += "model was trained with train.validation > 0."
URI = re.compile(r"models:/softmax-([a-z][a-z0-9-]*)(?:@[\w.-]+|/\d+)")  # as `register` names them


def load(uri: str) -> trained_models.Model:
    """Return the model at models:/softmax-mnist@champion or models:/softmax-mnist/1.

    Raise TrackingError if it does not exist, and DataError if datasets.yaml lacks its data set.
    """
    if not (parts := URI.fullmatch(uri)):
        raise TrackingError(f"{uri}: not a model URI. Use, for example, models:/softmax-mnist/1.")
    entry = trained_models.entry(parts[1])
    with TemporaryDirectory() as directory, store.clear_errors(ABSENT):
        store.connect()
        from mlflow import artifacts

        artifacts.download_artifacts(uri, dst_path=directory)
        (weights,) = Path(directory).rglob(paths.WEIGHTS.name)
        return trained_models.Model(uri, model.load(weights, entry.size), entry)
