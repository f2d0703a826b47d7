"""All that a team may start at once: each command ends, and the next `dvc repro` is right."""

import time
from random import Random

import requests
from servers import free_port
from tally import Tally
from victims import DEADLINE, Victim

EXPERIMENTS = 10
CLASH = (0, 1, 255)  # where two DVC run the same stage, one says that it is busy or lost its files


def test_at_once(tally: Tally, victim: Victim) -> None:
    """Two `dvc repro`, ten experiments, `make track` and the UI; the short form is of three."""

    def attempt(random: Random) -> None:
        rates = [f"{random.uniform(0.001, 0.1):.9f}" for _ in range(EXPERIMENTS * tally.long)]
        repro = ["dvc", "repro", "--force", *(() if tally.long else ("--single-item", "evaluate"))]
        experiment = ["dvc", "--wait-for-lock", "exp", "run", "--temp", "-S"]
        track = ["python", "-m", "tools.track"]
        commands = [repro, repro, track]
        commands += [[*experiment, f"train.learning_rate={rate}"] for rate in rates]
        port = free_port()
        ui = victim.start("python", "-m", "tools.ui", str(port)) if tally.long else None
        running = []
        for command in commands:
            running.append(victim.start(*command))
            time.sleep(random.uniform(0, 0.5))
        said = [process.communicate(timeout=4 * DEADLINE)[0] for process in running]
        if ui:
            requests.get(f"http://127.0.0.1:{port}/health", timeout=DEADLINE).raise_for_status()
            ui.terminate()
            ui.communicate(timeout=DEADLINE)
        for text, process, command in zip(said, running, commands, strict=True):
            assert "Traceback" not in text, text
            allowed = CLASH if command is repro else (0, 2) if command is track else (0,)
            assert process.returncode in allowed, f"{process.args!r}: {text}"
        names = victim.run("dvc", "exp", "list", "--name-only").split()
        assert len(names) >= len(rates)
        victim.recover()

    tally.run("a crowd", attempt, short=1, long=2, after_loss=victim.revive)
