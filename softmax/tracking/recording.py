"""What a stage may log, by its name, and within LIMIT."""

import os
import sys
from collections.abc import Callable
from threading import Timer
from typing import Any

from softmax.pipeline import recorder
from softmax.pipeline.params import Params
from softmax.tracking import events, store

LIMIT = 8  # seconds for all requests of a stage; opening a store has limits of its own
EVENTS: dict[str, Callable[..., None]] = {
    "download": events.log_download,
    "training": events.log_training,
    "evaluation": events.log_evaluation,
    "images": events.log_images,
    "report": events.log_report,
    "lesson": events.log_lesson,
}


def make_ready(event: str) -> Callable[..., None]:
    """Do what takes long, before there is something to log, and return what logs it.

    That takes the settings, and the details that the function of EVENTS has.
    """
    client = store.connect()

    def log(settings: Params, **details: Any) -> None:
        _clock(event)
        EVENTS[event](client, settings, **details)

    return log


def _clock(event: str) -> None:
    """End this process when time is up, whatever it waits for: all facts are on disk by now.

    Also where it waits for MLflow's threads at its end, so that no one stops the clock.
    """

    def give_up() -> None:
        recorder.warn(event, f"not in {LIMIT} s")
        sys.stdout.flush()
        os._exit(0)

    timer = Timer(LIMIT, give_up)
    timer.daemon = True
    timer.start()
