"""Connect to the MLflow store, and explain its errors.

A team sets MLFLOW_TRACKING_URI; the default is SQLite at the repository root.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from softmax.errors import SoftmaxError, TrackingError, shown
from softmax.pipeline.params import ModelParams
from softmax.pipeline.recorder import first_cause, reason
from softmax.tracking import views

ARTIFACTS = "mlartifacts"  # beside the default store
LOCK_TIMEOUT = 8  # seconds
DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "3",  # seconds
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "PGCONNECT_TIMEOUT": "2",  # seconds, of PostgreSQL's own library
    "RES_OPTIONS": "timeout:1",  # second; how long glibc waits for a silent name server
}
FIXED = {  # whatever a team sets for its other projects
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",  # its threads outlive the work
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # a repeated request could create a run twice
}
DRIVERS = dict.fromkeys(("postgres", "postgresql"), "postgresql+psycopg2")  # not psycopg 3
NOT_OURS = [
    "MLFLOW_" + name for name in ("RUN_ID", "EXPERIMENT_ID", "EXPERIMENT_NAME", "REGISTRY_URI")
]
LOOPBACK = ("localhost", "127.0.0.1", "::1")
REBUILD = "`python -m softmax track --history`"
REMEDY = "Check MLFLOW_TRACKING_URI and that the server is running, then run the command again."
MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # the latter for an alias
NOTE = "Each run is made from the files that a stage wrote. [Compare them as charts]({})."

# MLflow's types; importing MLflow takes a second, so functions import it only when they need it.
Client = Any  # mlflow.MlflowClient
Run = Any  # mlflow.entities.Run
Model = Any  # mlflow.entities.LoggedModel
Version = Any  # mlflow.entities.model_registry.ModelVersion


def ask_this_machine_directly() -> None:
    """Add this machine to `no_proxy`; requests to other machines still use a proxy."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    if given != "*":  # no proxy at all
        hosts = [*filter(None, given.split(",")), *LOOPBACK]
        os.environ["no_proxy"] = ",".join(dict.fromkeys(hosts))


def connect() -> Client:
    """Return a client of MLFLOW_TRACKING_URI or of the SQLite store at the repository root.

    MLflow migrates a database when it first opens it, which two processes must not do at once.
    """
    for key, value in DEFAULTS.items():
        os.environ.setdefault(key, value)
    os.environ.update(FIXED)
    for key in NOT_OURS:
        os.environ.pop(key, None)
    ask_this_machine_directly()
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.CRITICAL)  # our error is one line
    given, where = os.environ.get("MLFLOW_TRACKING_URI", ""), uri()
    mlflow.set_tracking_uri(where)  # the registry looks up a logged model with it
    os.environ["MLFLOW_TRACKING_URI"] = given  # still relative to the root
    if is_served(where):
        return mlflow.MlflowClient(where, where)
    from mlflow.store.db import utils
    from mlflow.store.tracking import sqlalchemy_store  # noqa: F401 (seconds, not under the lock)

    utils.MAX_RETRY_COUNT = 1  # MLflow's ten tries take 102 seconds without a database
    with lock():
        return mlflow.MlflowClient(where, where)


def experiment_name(config: ModelParams) -> str:
    """Return the name of the experiment for the data set."""
    return f"softmax-{config.download.dataset}"


def experiment(client: Client, name: str) -> str:
    """Return the id of the experiment `name`, or create it.

    Without a server, its artifacts are at the repository root, wherever the stage runs.
    """
    found = client.get_experiment_by_name(name)
    if found and found.lifecycle_stage == "deleted":
        raise TrackingError(
            f"experiment {name} was deleted. Run "
            f"`mlflow experiments restore --experiment-id {found.experiment_id}`."
        )
    location = None if is_served(client.tracking_uri) else (root() / ARTIFACTS / name).as_uri()
    if found is None:
        if made := create(lambda: client.create_experiment(name, location)):
            note = NOTE.format(views.CHARTS.format("", made))
            client.set_experiment_tag(made, "mlflow.note.content", note)
        found = client.get_experiment_by_name(name)
    place, is_default = found.artifact_location, not os.environ.get("MLFLOW_TRACKING_URI")
    if is_default and place.startswith("file:") and place != location:  # MLflow's are absolute
        raise TrackingError(
            f"mlflow.db: its artifacts are in {place}, outside this directory. Move mlflow.db "
            f"away, and rebuild it here with {REBUILD}."
        )
    experiment_id: str = found.experiment_id
    return experiment_id


def exists() -> bool:
    """Tell whether the store exists; one on a server always does."""
    where = uri()
    return not where.startswith("sqlite:///") or Path(where.removeprefix("sqlite:///")).exists()


def uri() -> str:
    """Return MLFLOW_TRACKING_URI, or the URI of the SQLite store at the repository root.

    A relative path starts at the root, wherever the stage runs. It stays relative, since the names
    of parent directories could have a meaning in a URI.
    """
    given = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    scheme, separator, rest = given.partition(":")
    scheme = DRIVERS.get(scheme.lower(), scheme.lower())
    if scheme == "sqlite" and not rest.startswith("////"):
        rest = f"///{os.path.relpath(root() / rest.removeprefix('///'))}"
    return f"{scheme}{separator}{rest}" if separator else given


def create(entry: Callable[[], Any]) -> Any:
    """Return what `entry` creates; None if another process has created it."""
    from mlflow.exceptions import MlflowException

    try:
        return entry()
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return None


def root() -> Path:
    """Return the repository root; for an experiment that DVC runs in a copy, that of the parent."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


def lock() -> FileLock:
    """Return the lock that one process of this repository holds at a time."""
    return FileLock(root() / "mlflow.db.lock", timeout=LOCK_TIMEOUT)


@contextmanager
def clear_errors(missing: str = REMEDY) -> Iterator[None]:
    """Turn any error that is not a SoftmaxError into a TrackingError of one line.

    `missing` is the remedy if a model, version or alias does not exist.
    """
    try:
        yield
    except SoftmaxError:
        raise
    except FileNotFoundError as error:
        raise TrackingError(f"{reason(error)}. Run `dvc repro`.") from None
    except Exception as error:
        place, cause = f"MLflow store {shown(uri())}", first_cause(error)
        if type(cause) is sqlite3.DatabaseError:  # its subclasses have other causes
            remedy = f"Move the file away, and rebuild the store with {REBUILD}."
            raise TrackingError(f"{place}: {cause}. {remedy}") from None
        remedy = missing if getattr(cause, "error_code", "") in MISSING else REMEDY
        raise TrackingError(f"{place}: {reason(error).rstrip('.')}. {remedy}") from None


def is_served(uri: str) -> bool:
    """Tell whether the store is on an MLflow server."""
    return uri.startswith("http")
