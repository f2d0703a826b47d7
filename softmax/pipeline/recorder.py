"""The door to MLflow, at the end of a stage: nothing comes back through it.

Behind it lies softmax/tracking. What that logs cannot change what was computed, so that no stage
depends on it in dvc.yaml; tests/tracking/test_hook.py takes it away, and lets it raise.

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


def log(event: str, config: Params, **details: Any) -> None:
    """Log what the stage has written, at its end; what may be logged says softmax/tracking."""
    with never_fails(event):
        from softmax.tracking import recording

        recording.make_ready(event)(config, **details)


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

    def log(self, config: Params, **details: Any) -> None:
        """The same, in that process."""
        message = {"config": config.model_dump(), "details": details}
        self._process.communicate(json.dumps(message))


def main() -> None:
    """Make MLflow ready, wait for the message, and log."""
    event = sys.argv[1]
    with never_fails(event):
        from softmax.tracking import recording

        log_it = recording.make_ready(event)
        if message := sys.stdin.read():
            content = json.loads(message)
            log_it(Params.model_validate(content["config"]), **content["details"])


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
    print(
        f"warning: could not log {event} to MLflow: {shown(reason).rstrip('.')}. "
        f"The results on disk are complete. To log them later: {remedy}",
        file=sys.stderr,
    )


def first_cause(error: BaseException) -> BaseException:
    """Return the first error of a chain."""
    while error.__context__:
        error = error.__context__
    return error


def reason(error: BaseException) -> str:
    """Return the first error of a chain, in a line."""
    error = first_cause(error)
    return f"{type(error).__name__}: {error}".split("\n")[0]


if __name__ == "__main__":
    main()
