"""The door to MLflow, at the end of a stage: nothing comes back through it.

Behind it lies softmax/tracking. What that logs cannot change what was computed, so that no stage
depends on it in dvc.yaml; tests/tracking/test_door.py takes it away, and lets it raise.

MLflow and its SQL store take more than a second to import. A stage that trains, downloads or
imports torch is long enough to hide that in a process of its own; a shorter one would only wait.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from softmax.errors import shown
from softmax.pipeline.params import Params


def log(event: str, settings: Params, **details: Any) -> None:
    """Log what the stage has written, at its end; what may be logged says softmax/tracking."""
    with never_fails(event):
        from softmax.tracking import recording

        recording.make_ready(event)(settings, **details)


class Recorder:
    """A process that makes MLflow ready while the stage works, and ends with it."""

    def __init__(self, event: str) -> None:
        command = [sys.executable, "-m", "softmax.pipeline.recorder", event]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            text=True,
            process_group=0,  # Ctrl-C is for the stage, with which this ends
        )

    def log(self, settings: Params, **details: Any) -> None:
        """The same, in that process."""
        message = {"settings": settings.model_dump(), "details": details}
        self._process.communicate(json.dumps(message))


def main() -> None:
    """Make MLflow ready, wait for the message, and log."""
    event = sys.argv[1]
    with never_fails(event):
        from softmax.tracking import recording

        log_it = recording.make_ready(event)
        if message := sys.stdin.read():
            content = json.loads(message)
            log_it(Params.model_validate(content["settings"]), **content["details"])


@contextmanager
def never_fails(event: str) -> Iterator[None]:
    """Turn any error into a warning."""
    try:
        yield
    except (Exception, SystemExit) as error:
        warn(event, reason(error))


def warn(event: str, reason: str) -> None:
    """Say on stderr, in one line, why a stage was not logged and what to do."""
    remedy = "once that is mended, `make track` adds it"
    if os.environ.get("DVC_EXP_NAME"):  # perhaps in a folder that DVC removes
        remedy = "once that is mended, `make track HISTORY=1` adds it"
    if event == "sweep":
        remedy = "once that is mended, sweep again: it trains nothing twice, and adds the rows"
    if event in ("download", "lesson"):  # the stages of these names; no facts of a model
        remedy = f"once that is mended, `dvc repro --force --single-item {event}` logs it"
    print(f"warning: MLflow did not take this stage ({shown(reason)}); {remedy}", file=sys.stderr)


def reason(error: BaseException) -> str:
    """The first error of a chain, in a line."""
    while error.__context__:
        error = error.__context__
    return f"{type(error).__name__}: {error}".split("\n")[0]


if __name__ == "__main__":
    main()
