"""A disk that is full, slow, or can only be read: a stage says so in a line, DVC goes on later."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from clones import Clone
from namespaces import FILL, Namespace, small_disk
from outcome import assert_told, rests
from tally import Tally
from victims import DEADLINE, STAGES, Victim

ERRORS = {  # at a write, and what the system says of each
    "ENOSPC": "No space left on device",
    "EDQUOT": "Disk quota exceeded",
    "EIO": "Input/output error",
    "EROFS": "Read-only file system",
    "EACCES": "Permission denied",
}
SIZE = 96  # MiB of the disk: the clone has a third of it
ROOM = 1500  # KiB that all outputs would need


def assert_one_line(done: "subprocess.CompletedProcess[str]", reason: str) -> None:
    """That a stage failed of `reason`; it may warn of MLflow, too."""
    assert_told(done, 2)
    (error,) = [line for line in done.stderr.splitlines() if not line.startswith("warning: ")]
    assert error.startswith("error: "), done.stderr
    assert reason in error


def test_an_error_at_a_write(tally: Tally, victim: Victim) -> None:
    """The outputs are those of before or the new ones, and no rest is left even before DVC runs."""

    def attempt(random: Random) -> None:
        stage, error = random.choice(STAGES), random.choice(list(ERRORS))
        number = random.randrange(victim.writes(stage))
        victim.age(stage)
        assert_one_line(victim.fault(error, number, stage), ERRORS[error])
        victim.assert_no_part(stage)
        assert not rests(victim.folder)
        assert_told(victim.attempt("python", "-m", f"stages.{stage}"), 0)
        victim.recover()

    tally.run("an error at a write", attempt, short=1, long=30, after_loss=victim.revive)


def test_a_slow_disk(tally: Tally, victim: Victim) -> None:
    """Whoever looks meanwhile sees whole files."""

    def attempt(random: Random) -> None:
        stage = random.choice(STAGES)
        pause = random.uniform(0.2, 0.6) / victim.writes(stage)
        victim.age(stage)
        slow = victim.start(*victim.faulty("SLOW", pause, stage))
        while slow.poll() is None:
            victim.assert_no_part(stage)
            time.sleep(0.02)
        said, _ = slow.communicate(timeout=DEADLINE)
        assert slow.returncode == 0, said
        victim.recover()

    tally.run("slow writes", attempt, short=1, long=10, after_loss=victim.revive)


class OnADisk(Victim):
    """A victim whose clone and store are on a disk of their own."""

    def __init__(self, team: Clone, namespace: Namespace) -> None:
        self.namespace, self.place = namespace, namespace.disk / "clone"
        seen = Path(f"/proc/{namespace.holder.pid}/root{namespace.disk}")
        super().__init__(team, seen)
        uri = f"sqlite:///{namespace.disk / 'mlflow.db'}"
        self.environment["MLFLOW_TRACKING_URI"] = uri
        namespace.environment = self.environment

    def revive(self) -> None:
        """On a disk with room, that can be written."""
        disk = self.namespace.disk
        self.namespace.sh(f"mount -o remount,rw {disk}; rm -f {disk}/ballast")
        super().revive()

    def attempt(self, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run `command` where the disk is mounted."""
        given = (f"{name}={value}" for name, value in environment.items())
        there = ("env", f"--chdir={self.place}", *given, "timeout", f"{DEADLINE}")
        return self.namespace.run(*there, *command)


@pytest.fixture
def on_a_disk(team: Clone, tmp_path: Path) -> Iterator[OnADisk]:
    with small_disk(tmp_path, SIZE) as namespace:
        yield OnADisk(team, namespace)


def test_a_full_disk(tally: Tally, on_a_disk: OnADisk) -> None:
    """With room for some of what is written."""
    ballast = on_a_disk.namespace.disk / "ballast"

    def attempt(random: Random) -> None:
        stage = random.choice([*STAGES, "dvc"])
        on_a_disk.namespace.sh(f"{FILL}{ballast} || true")
        on_a_disk.namespace.sh(f"truncate --size=-{random.randrange(ROOM)}K {ballast}")
        if stage == "dvc":
            assert_told(on_a_disk.attempt("dvc", "repro", "--force"), 0, 1, 255)
        else:
            done = on_a_disk.attempt("python", "-m", f"stages.{stage}")
            if done.returncode:
                assert_one_line(done, ERRORS["ENOSPC"])
            on_a_disk.assert_no_part(stage)
            assert not rests(on_a_disk.folder)
        on_a_disk.namespace.sh(f"rm {ballast}")
        on_a_disk.recover()

    tally.run("a full disk", attempt, short=1, long=20, after_loss=on_a_disk.revive)


def test_a_disk_that_can_only_be_read(tally: Tally, on_a_disk: OnADisk) -> None:
    def attempt(random: Random) -> None:
        stage = random.choice([*STAGES, "dvc"])
        on_a_disk.namespace.sh(f"mount -o remount,ro {on_a_disk.namespace.disk}")
        if stage == "dvc":
            assert_told(on_a_disk.attempt("dvc", "repro", "--force"), 1, 255)
        else:
            done = on_a_disk.attempt("python", "-m", f"stages.{stage}")
            assert_one_line(done, ERRORS["EROFS"])
        on_a_disk.assert_no_part("dvc")
        on_a_disk.namespace.sh(f"mount -o remount,rw {on_a_disk.namespace.disk}")
        on_a_disk.recover()

    tally.run(
        "a disk that can only be read", attempt, short=1, long=10, after_loss=on_a_disk.revive
    )
