"""SIGKILL at any moment: the next `dvc repro` gives the same bytes, and nothing is left behind."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from random import Random

import psutil
from outcome import assert_told, processes
from tally import Tally
from victims import DEADLINE, STAGES, Victim

ALL = 5.0  # seconds that all stages of the small data set take
EACH = 0.8  # and most of them alone


def test_dvc_repro(tally: Tally, victim: Victim) -> None:
    """DVC alone, or with the stage that it runs, which otherwise goes on without it."""

    def attempt(random: Random) -> None:
        process = victim.start("dvc", "repro", "--force")
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=random.uniform(0, ALL))
        if random.random() < 0.7:
            with suppress(ProcessLookupError):  # it was faster
                os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate(timeout=DEADLINE)
        victim.recover()

    tally.run("`dvc repro`", attempt, short=1, long=50, after_loss=victim.revive)


def test_a_stage(tally: Tally, victim: Victim) -> None:
    """While DVC waits for it, which says so and ends."""

    def attempt(random: Random) -> None:
        stage = random.choice(STAGES)
        dvc = victim.start("dvc", "repro", "--force", "--single-item", stage)
        found: list[psutil.Process] = []
        while dvc.poll() is None and not found:
            time.sleep(0.01)
            found = find(victim, stage)
        time.sleep(random.uniform(0, EACH))
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        said, _ = dvc.communicate(timeout=DEADLINE)
        assert "Traceback" not in said, said
        victim.recover()

    tally.run("a stage below DVC", attempt, short=1, long=60, after_loss=victim.revive)


def find(victim: Victim, stage: str) -> list[psutil.Process]:
    """The process of the stage, if it runs."""
    found = []
    for process in processes(victim.folder):
        with suppress(psutil.NoSuchProcess):
            line = process.cmdline()
            if f"stages.{stage}" in line and "python" in line[0]:
                found.append(process)
    return found


def test_at_a_write(tally: Tally, victim: Victim) -> None:
    """Of a stage that is run by hand, and then again."""

    def attempt(random: Random) -> None:
        stage = random.choice(STAGES)
        number = random.randrange(victim.writes(stage))
        victim.age(stage)
        assert_told(victim.fault("KILL", number, stage), 128 + signal.SIGKILL, -signal.SIGKILL)
        victim.assert_no_part(stage)
        assert_told(victim.attempt("python", "-m", f"stages.{stage}"), 0)
        victim.recover()

    tally.run("a stage at a write", attempt, short=1, long=90, after_loss=victim.revive)
