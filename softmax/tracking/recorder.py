"""How a stage logs what it has written: in one line, beside a long stage, and within LIMIT.

MLflow and its SQL store take more than a second to import. A stage that trains, downloads or
imports torch is long enough to hide that in a process of its own; a shorter one would only wait.
"""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

from softmax.pipeline.params import Params
from softmax.tracking import events, replay, store

LIMIT = 8  # seconds for all requests of a stage; opening a store has limits of its own
EVENTS: dict[str, Callable[..., None]] = {
    "download": events.log_download,
    "training": events.log_training,
    "evaluation": events.log_evaluation,
    "images": events.log_images,
    "report": events.log_report,
    "lesson": events.log_lesson,
}


def log(event: str, settings: Params, **details: Any) -> None:
    """Log what the stage has written, at its end; `details` as the function of EVENTS has them."""
    with store.never_fails(_remedy(event)):
        client = _connect()
        with _clock(event):
            EVENTS[event](client, settings, **details)


class Recorder:
    """A process that makes MLflow ready while the stage works, and ends with it."""

    def __init__(self, event: str) -> None:
        command = [sys.executable, "-m", "softmax.tracking.recorder", event]
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
    """Open the store, wait for the message, and log; never fail."""
    event = sys.argv[1]
    with store.never_fails(_remedy(event)):
        client = _connect()
        if event == "training":
            replay.prepare()
        if message := sys.stdin.read():
            content = json.loads(message)
            settings = Params.model_validate(content["settings"])
            with _clock(event):
                EVENTS[event](client, settings, **content["details"])


@contextmanager
def _clock(event: str) -> Iterator[None]:
    """End this process when time is up, whatever it waits for: all facts are on disk by now."""

    def give_up() -> None:
        store.warn(f"not in {LIMIT} s", _remedy(event))
        sys.stdout.flush()
        os._exit(0)

    timer = Timer(LIMIT, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _remedy(event: str) -> str:
    if event in ("download", "lesson"):  # the stages of these names; no facts of a model
        return f"`dvc repro --force --single-item {event}` logs it again"
    return "`make track` adds it later"


def _connect() -> store.Client:
    """Open the store, and spare Python's collector its objects, a search of 0.7 seconds."""
    gc.disable()
    try:
        return store.connect()
    finally:
        gc.freeze()  # for when the process ends, too; torch would call that a leak
        gc.enable()


if __name__ == "__main__":
    main()
