"""Log the outputs of stages to MLflow through the recorder, a process that all stages share.

MLflow and its SQL store take more than a second to import. So the first stage starts the recorder,
softmax/tracking/recording.py, which imports them while the stage works. Later stages connect to its
socket. The recorder exits when no stage has been connected for ten seconds. It returns only text to
print, so no output of a stage depends on softmax/tracking (tests/tracking/test_hook.py).
"""

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from softmax.errors import shown
from softmax.pipeline import datasets
from softmax.pipeline.params import Params

ANSWER_TIMEOUT = 8  # seconds that a stage waits for an answer
DIRECTORY = Path(".dvc/tmp")
# Garbage collection would take a third of the time of the imports.
PROGRAM = "import gc; gc.disable(); from softmax.tracking import recording; recording.main()"
STAGE_VARIABLES = {  # environment variables that differ between stages that share a recorder
    "DVC_STAGE",
    "KMP_DUPLICATE_LIB_OK",  # set by the import of threadpoolctl
}


class Recorder:
    """A connection to the recorder, from the start of a stage until it has logged."""

    def __init__(self, stage: str) -> None:
        self._stage, self._started, self._failure = stage, time.time(), ""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(ANSWER_TIMEOUT)
        try:
            self._path = _path()
            self._connect()
        except OSError as error:  # `log` prints it as a warning, after the results are on disk
            self._failure = reason(error)

    def log(self, config: Params, **details: Any) -> None:
        """Log what the stage has written. If this fails, print one warning.

        softmax/tracking/recording.py defines what can be logged.
        """
        details |= {"started": self._started, "ended": time.time()}
        request = {"stage": self._stage, "config": config.model_dump(), "details": details}
        with never_fails(self._stage):
            text, failure = ("", self._failure) if self._failure else self._ask(request)
            print(text, end="")
            if failure:
                warn(self._stage, failure)

    def _connect(self) -> None:
        try:
            self._socket.connect(str(self._path))
        except (FileNotFoundError, ConnectionRefusedError):
            self._path.unlink(missing_ok=True)
            _start(self._path)
            self._socket.connect(str(self._path))

    def _ask(self, request: dict[str, Any]) -> tuple[str, str]:
        """Send `request`. Return the text to print, and why logging failed, or ""."""
        with self._socket as recorder:
            try:
                recorder.sendall(f"{json.dumps(request)}\n".encode())
                text, failure = json.loads(recorder.makefile().readline())
                return text, failure
            except TimeoutError:
                self._path.unlink(missing_ok=True)  # the next stage then starts a new recorder
                return "", f"no answer from MLflow within {ANSWER_TIMEOUT} s"
            except (OSError, ValueError):
                return "", "the logging process exited unexpectedly"


def _path() -> Path:
    """Return the socket's path, which differs for different code, stores, environments and users.

    The environment contains addresses and credentials. The path is relative because socket paths
    are limited to about 100 bytes.
    """
    sources = [*Path(__file__).parents[1].rglob("*.py"), datasets.PATH]
    newest = max(path.stat().st_mtime_ns for path in sources)
    environment = {key: value for key, value in os.environ.items() if key not in STAGE_VARIABLES}
    root, uri = environment.get("DVC_ROOT", ""), environment.get("MLFLOW_TRACKING_URI")
    database = Path(root, (uri or "mlflow.db").removeprefix("sqlite:///"))
    if not (uri or database.exists()):
        database.touch()  # gives it the inode that later stages see
    inode = database.stat().st_ino if database.exists() else 0  # differs if a store is replaced
    state = repr((sys.executable, newest, os.getuid(), inode, sorted(environment.items())))
    return DIRECTORY / f"recorder-{hashlib.sha256(state.encode()).hexdigest()[:16]}"


def _start(path: Path) -> None:
    """Start a recorder with its socket as stdin, so that a stage can connect immediately."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        mask = os.umask(0o177)  # only the owner may use the socket
        try:
            listener.bind(str(path))
        finally:
            os.umask(mask)
        listener.listen()
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=listener.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C does not reach the recorder, which exits by itself
        )
    process.returncode = 0  # otherwise Python would warn that the recorder is still running


@contextmanager
def never_fails(event: str) -> Iterator[None]:
    """Turn any error in the block into a warning."""
    try:
        yield
    except (Exception, SystemExit) as error:
        warn(event, reason(error))


def warn(event: str, reason: str) -> None:
    """Print one line on stderr: why `event`, a stage or "sweep", was not logged, and the remedy."""
    remedy = "`python -m softmax track`"
    if os.environ.get("DVC_EXP_NAME"):  # DVC may remove the directory of an experiment
        remedy = "`python -m softmax track --history`"
    if event in ("download", "lesson"):  # `softmax track` does not log these stages
        remedy = f"`dvc repro --force --single-item {event}`"
    end = f"The results on disk are complete. To log them later: {remedy}"
    if event == "sweep":
        end = "Training is not affected. To log the models, run the same sweep again afterward. "
        end += "It reuses the trained models."
    from tqdm import tqdm  # slow to import, and needed only here

    cause = shown(reason).rstrip(".")
    tqdm.write(f"warning: could not log {event} to MLflow: {cause}. {end}", file=sys.stderr)


def first_cause(error: BaseException) -> BaseException:
    """Return the first error in the chain of errors that ended with `error`."""
    while error.__context__:
        error = error.__context__
    return error


def reason(error: BaseException) -> str:
    """Return the type and the first line of the first cause of `error`."""
    error = first_cause(error)
    return f"{type(error).__name__}: {error}".split("\n")[0]
