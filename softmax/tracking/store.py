"""Connect to the MLflow store, and explain its errors.

The store is at MLFLOW_TRACKING_URI, by default a SQLite file at the repository root.
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

ARTIFACTS = "mlartifacts"  # directory beside the default store
LOCK_TIMEOUT = 8  # seconds
DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "3",  # seconds
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "PGCONNECT_TIMEOUT": "2",  # seconds; read by PostgreSQL's client library
    "RES_OPTIONS": "timeout:1",  # second that glibc waits for a name server
}
FIXED = {  # these override what a user has set for other projects
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",  # its threads could outlive the stage
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # a repeated request could create a run twice
}
DRIVERS = dict.fromkeys(("postgres", "postgresql"), "postgresql+psycopg2")  # as installed
NOT_OURS = [
    "MLFLOW_" + name for name in ("RUN_ID", "EXPERIMENT_ID", "EXPERIMENT_NAME", "REGISTRY_URI")
]
LOOPBACK = ("localhost", "127.0.0.1", "::1")
REBUILD = "`python -m softmax track --history`"
REMEDY = "Check MLFLOW_TRACKING_URI and that the server is running, then run the command again."
MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # the second for an alias
NOTE = "A stage, a sweep or `softmax track` logged each run. [Compare the runs in charts]({})."

# Names of MLflow's types. Functions import MLflow when they need it, because it takes a second.
Client = Any  # mlflow.MlflowClient
Run = Any  # mlflow.entities.Run
Model = Any  # mlflow.entities.LoggedModel
Version = Any  # mlflow.entities.model_registry.ModelVersion


def bypass_proxy_for_localhost() -> None:
    """Add this machine to `no_proxy`, so only requests to other machines use a proxy."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    if given != "*":  # * disables all proxies
        hosts = [*filter(None, given.split(",")), *LOOPBACK]
        os.environ["no_proxy"] = ",".join(dict.fromkeys(hosts))


def connect() -> Client:
    """Return a client of MLFLOW_TRACKING_URI or of the SQLite store at the repository root.

    MLflow migrates a database when it first opens it, so a lock keeps other processes away.
    """
    for key, value in DEFAULTS.items():
        os.environ.setdefault(key, value)
    os.environ.update(FIXED)
    for key in NOT_OURS:
        os.environ.pop(key, None)
    bypass_proxy_for_localhost()
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.CRITICAL)  # `clear_errors` reports errors
    given, where = os.environ.get("MLFLOW_TRACKING_URI", ""), uri()
    mlflow.set_tracking_uri(where)  # for the registry, which looks up logged models there
    os.environ["MLFLOW_TRACKING_URI"] = given  # set_tracking_uri changed it
    if is_served(where):
        return mlflow.MlflowClient(where, where)
    from mlflow.store.db import utils
    from mlflow.store.tracking import sqlalchemy_store  # noqa: F401 (slow, so before the lock)

    utils.MAX_RETRY_COUNT = 1  # MLflow's ten attempts would take 102 seconds
    with lock():
        return mlflow.MlflowClient(where, where)


def experiment_name(config: ModelParams) -> str:
    """Return the name of the experiment for the data set."""
    return f"softmax-{config.download.dataset}"


def experiment(client: Client, name: str) -> str:
    """Return the id of the experiment `name`, and create it if it does not exist.

    Without a server, artifacts are below `root`. Raise TrackingError if it was deleted or moved.
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
    stored, is_default = found.artifact_location, not os.environ.get("MLFLOW_TRACKING_URI")
    if is_default and stored.startswith("file:") and stored != location:  # MLflow's are absolute
        raise TrackingError(
            f"mlflow.db: its artifacts are in {stored}, outside this directory. Move mlflow.db "
            f"away, and rebuild it here with {REBUILD}."
        )
    return str(found.experiment_id)


def exists() -> bool:
    """Tell whether the SQLite store exists; any other store is assumed to exist."""
    where = uri()
    return not where.startswith("sqlite:///") or Path(where.removeprefix("sqlite:///")).exists()


def uri() -> str:
    """Return MLFLOW_TRACKING_URI, or the URI of the SQLite store at the repository root.

    A relative path starts at the root, even if the stage runs elsewhere. It stays relative, because
    names of parent directories may contain characters that have a meaning in a URI.
    """
    given = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    scheme, separator, rest = given.partition(":")
    scheme = DRIVERS.get(scheme.lower(), scheme.lower())
    if scheme == "sqlite" and not rest.startswith("////"):
        rest = f"///{os.path.relpath(root() / rest.removeprefix('///'))}"
    return f"{scheme}{separator}{rest}" if separator else given


def create(entry: Callable[[], Any]) -> Any:
    """Return what `entry` creates, or None if it exists, perhaps by a simultaneous process."""
    from mlflow.exceptions import MlflowException

    try:
        return entry()
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return None


def root() -> Path:
    """Return the repository root, even if DVC runs an experiment in a copy of the repository."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


def lock() -> FileLock:
    """Return a lock that only one process of this repository can hold."""
    return FileLock(root() / "mlflow.db.lock", timeout=LOCK_TIMEOUT)


@contextmanager
def clear_errors(missing: str = REMEDY) -> Iterator[None]:
    """Turn any error that is not a SoftmaxError into a TrackingError with one line.

    `missing` is the remedy if a model, version or alias does not exist.
    """
    try:
        yield
    except SoftmaxError:
        raise
    except FileNotFoundError as error:
        raise TrackingError(f"{error.filename or error}: not found. Run `dvc repro`.") from None
    except Exception as error:
        store, cause = f"MLflow store {shown(uri())}", first_cause(error)
        if type(cause) is sqlite3.DatabaseError:  # subclasses have different causes
            remedy = f"Move the file away, and rebuild the store with {REBUILD}."
            raise TrackingError(f"{store}: {cause}. {remedy}") from None
        remedy = missing if getattr(cause, "error_code", "") in MISSING else REMEDY
        raise TrackingError(f"{store}: {reason(error).rstrip('.')}. {remedy}") from None


def is_served(uri: str) -> bool:
    """Tell whether the store is on an MLflow server."""
    return uri.startswith("http")
