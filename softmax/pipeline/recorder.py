"""Tell MLflow what a stage has written, through one process for a whole run of the pipeline.

MLflow and its SQL store take more than a second to import. So the first stage starts a recorder,
softmax/tracking/recording.py, which imports them while the stage works. Later stages find it by its
socket. It ends when no stage has been connected for ten seconds. Nothing but text to print comes
back, so that no stage depends on softmax/tracking: tests/tracking/test_hook.py lets it raise.
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

from tqdm import tqdm

from softmax.errors import shown
from softmax.pipeline import datasets
from softmax.pipeline.params import Params

LIMIT = 8  # seconds that a stage waits
DIRECTORY = Path(".dvc/tmp")
# Garbage collection would be a third of the time that imports take.
PROGRAM = "import gc; gc.disable(); from softmax.tracking import recording; recording.main()"
OF_A_STAGE = {  # what differs between the environments of the stages of a run
    "DVC_STAGE",
    "KMP_DUPLICATE_LIB_OK",  # threadpoolctl sets it when it is imported
}


class Recorder:
    """The connection of a stage, for as long as it works, to the recorder of its run."""

    def __init__(self, stage: str) -> None:
        self._stage, self._started, self._failure = stage, time.time(), ""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(LIMIT)
        try:
            self._path = _path()
            self._connect()
        except OSError as error:  # of which to warn once the results are on disk
            self._failure = reason(error)

    def log(self, config: Params, **details: Any) -> None:
        """Log what the stage has written; what may be logged says softmax/tracking/recording.py.

        Any failure is one warning.
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
        """Return what to print, and why something was not logged, or ""."""
        with self._socket as recorder:
            try:
                recorder.sendall(f"{json.dumps(request)}\n".encode())
                text, failure = json.loads(recorder.makefile().readline())
                return text, failure
            except TimeoutError:
                self._path.unlink(missing_ok=True)  # so that the next stage starts another one
                return "", f"no answer in {LIMIT} s"
            except (OSError, ValueError):
                return "", "the recorder ended"


def _path() -> Path:
    """Return where the recorder of this directory, code, environment and user listens.

    Credentials and addresses are in the environment. The path is relative, since those of sockets
    have a hundred letters at most.
    """
    read = [*Path(__file__).parents[1].rglob("*.py"), datasets.PATH]  # once by a process
    age = max(path.stat().st_mtime_ns for path in read)
    environment = {key: value for key, value in os.environ.items() if key not in OF_A_STAGE}
    root, uri = environment.get("DVC_ROOT", ""), environment.get("MLFLOW_TRACKING_URI")
    database = Path(root, (uri or "mlflow.db").removeprefix("sqlite:///"))
    if not (uri or database.exists()):
        database.touch()
    inode = database.stat().st_ino if database.exists() else 0  # of a store that may be replaced
    known = repr((sys.executable, age, os.getuid(), inode, sorted(environment.items())))
    return DIRECTORY / f"recorder-{hashlib.sha256(known.encode()).hexdigest()[:16]}"


def _start(path: Path) -> None:
    """Start a recorder, with its socket as stdin, so that a stage can connect at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        mask = os.umask(0o177)  # a socket of its owner alone
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
            start_new_session=True,  # Ctrl-C is for the stages, with which this ends
        )
    process.returncode = 0  # it outlives this process, which must not warn of that


@contextmanager
def never_fails(event: str) -> Iterator[None]:
    """Turn any error into a warning."""
    try:
        yield
    except (Exception, SystemExit) as error:
        warn(event, reason(error))


def warn(event: str, reason: str) -> None:
    """Print on stderr, in one line, why something was not logged and how to add it."""
    remedy = "`python -m softmax track`"
    if os.environ.get("DVC_EXP_NAME"):  # perhaps in a directory that DVC removes
        remedy = "`python -m softmax track --history`"
    if event == "sweep":
        remedy = "run the same sweep again, which trains nothing twice"
    if event in ("download", "lesson"):  # the stages of these names, which no model comes from
        remedy = f"`dvc repro --force --single-item {event}`"
    tqdm.write(
        f"warning: could not log {event} to MLflow: {shown(reason).rstrip('.')}. "
        f"The results on disk are complete. To log them later: {remedy}",
        file=sys.stderr,
    )


def first_cause(error: BaseException) -> BaseException:
    while error.__context__:
        error = error.__context__
    return error


def reason(error: BaseException) -> str:
    """Return the first error of a chain, in a line."""
    error = first_cause(error)
    return f"{type(error).__name__}: {error}".split("\n")[0]
