"""How a stage logs what it has written: in a process of its own, which a clock ends.

There MLflow and its SQL store, which take more than a second to import, get ready while the stage
works. And whatever happens to the store or on the way to it, no stage waits for more than LIMIT.
"""

import gc
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from softmax import store, tracking
from softmax.params import Params

LIMIT = 8  # seconds for all requests of a stage; opening a store has limits of its own
EVENTS: dict[str, Callable[..., None]] = {
    "download": tracking.log_download,
    "training": tracking.log_training,
    "evaluation": tracking.log_evaluation,
    "images": tracking.log_images,
    "report": tracking.log_report,
    "lesson": tracking.log_lesson,
}


class Recorder:
    """A process that makes MLflow ready, and ends with the stage."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._process = subprocess.Popen(
            [sys.executable, "-m", "softmax.recorder", event],
            stdin=subprocess.PIPE,
            text=True,
            process_group=0,  # Ctrl-C is for the stage, with which this ends
        )

    def log(self, settings: Params, **details: Any) -> None:
        """Log what the stage has written; `details` as the function of EVENTS takes them."""
        message = {"settings": settings.model_dump(), "details": details}
        self._process.communicate(json.dumps(message))
        if status := self._process.returncode:
            late = status == -signal.SIGALRM
            store.warn(f"not in {LIMIT} s" if late else f"status {status}", remedy(self._event))


def remedy(event: str) -> str:
    """What to do where `event` was not logged."""
    if event in ("download", "lesson"):  # the stages of these names; no facts of a model
        return f"`dvc repro --force --single-item {event}` logs it again"
    return "`make track` adds it later"


def main() -> None:
    """Open the store, wait for the message, and log; never fail, but end when time is up."""
    event = sys.argv[1]
    with store.never_fails(remedy(event)):
        gc.disable()  # it would search MLflow's million objects for 0.7 s
        client = store.connect()
        gc.freeze()  # and again when the process ends
        if message := sys.stdin.read():
            signal.alarm(LIMIT)  # ends the process, whatever it waits for
            content = json.loads(message)
            settings = Params.model_validate(content["settings"])
            EVENTS[event](client, settings, **content["details"])


if __name__ == "__main__":
    main()
