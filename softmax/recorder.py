"""How a stage logs what it has written: in one line, and beside a long stage.

MLflow and its SQL store take more than two seconds to import. Training is long enough to hide that
in a process of its own; a stage as short as the import would only wait for it longer.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from softmax import store, tracking
from softmax.params import Params

EVENTS: dict[str, Callable[..., None]] = {
    "download": tracking.log_download,
    "training": tracking.log_training,
    "evaluation": tracking.log_evaluation,
    "images": tracking.log_images,
}


def log(event: str, settings: Params, **details: Any) -> None:
    """Log what the stage has written; `details` as the function of EVENTS takes them."""
    with store.never_fails():
        EVENTS[event](store.connect(), settings, **details)


class Recorder:
    """A process that makes MLflow ready while the stage works, and ends with it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "softmax.recorder"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            text=True,
            process_group=0,  # Ctrl-C is for the stage, with which this ends
        )

    def log(self, event: str, settings: Params, **details: Any) -> None:
        """The same, in that process."""
        message = {"event": event, "settings": settings.model_dump(), "details": details}
        self._process.communicate(json.dumps(message))


def main() -> None:
    """Open the store, wait for the message, and log; never fail."""
    with store.never_fails():
        client = store.connect()
        if message := sys.stdin.read():
            content = json.loads(message)
            settings = Params.model_validate(content["settings"])
            EVENTS[content["event"]](client, settings, **content["details"])


if __name__ == "__main__":
    main()
