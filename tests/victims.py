"""A clone in which commands are killed, and whose disk is full: what has to be there afterwards."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from functools import cache
from pathlib import Path

import tally
from clones import Clone
from faults import FAULTY
from outcome import assert_told, contents, digest, rests, wait_for_the_end

from softmax.provenance import lock

STAGES = ("check", "download", "train", "evaluate", "export", "lesson", "report")
DEADLINE = 120  # seconds for any command, on a busy machine
TORN = {  # what DVC says where a kill met it while it wrote a file of its own
    "Unable to read RWLock-file": "`.dvc/tmp/rwlock`",
    "dvc.lock' ": "`dvc.lock`",
}
OLD = b"what was here before"


class Victim(Clone):
    """A copy of the team's clone, with a store of its own beside it."""

    def __init__(self, team: Clone, folder: Path) -> None:
        self.team, self.store = team, folder / "mlflow.db"
        self.enter(folder / "clone")
        self.revive()
        uri = f"sqlite:///{self.store}"
        self.environment |= team.environment | {"MLFLOW_TRACKING_URI": uri}
        self.whole = contents(self.folder)
        self.writes = cache(self.count_writes)

    def attempt(self, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run `command`, whatever comes of it, within DEADLINE."""
        return super().attempt("timeout", f"{DEADLINE}", *command, **environment)

    def revive(self) -> None:
        """Be as at first, also after a loss."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.team.folder, self.folder, symlinks=True)
        shutil.copy(self.team.folder.parent / "mlflow.db", self.store)

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Start a command that leads a session of its own."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def count_writes(self, stage: str) -> int:
        """How often the stage writes or renames a file."""
        done = self.fault("COUNT", -1, stage)
        assert_told(done, 0)
        return int(done.stdout.split()[-1])

    def fault(self, fault: str, number: float, stage: str) -> "subprocess.CompletedProcess[str]":
        """Run the stage with this fault of tests/faults.py at write `number`."""
        return self.attempt(*self.faulty(fault, number, stage))

    def faulty(self, fault: str, number: float, stage: str) -> list[str]:
        """The command for it."""
        return ["python", "-c", FAULTY, fault, f"{number}", f"stages.{stage}"]

    def outputs(self, stage: str) -> list[str]:
        """The files that the stage makes."""
        paths = lock.outputs(lock.load(self.folder), stage)
        return [file for file in self.whole if {Path(file), *Path(file).parents} & paths.keys()]

    def age(self, stage: str) -> None:
        """Let each output of the stage be what was here before."""
        for file in self.outputs(stage):
            (self.folder / file).unlink(missing_ok=True)  # it may be a link
            (self.folder / file).write_bytes(OLD)

    def assert_no_part(self, stage: str) -> None:
        """That each output of the stage is whole, old or absent, and all others are whole."""
        found, mine = contents(self.folder), self.outputs(stage)
        for file, whole in self.whole.items():
            allowed = (whole, digest(OLD), None) if file in mine else (whole,)
            assert found.get(file) in allowed, file

    def recover(self) -> None:
        """Let DVC complete what was begun, and compare it with what is there undisturbed."""
        wait_for_the_end(self.folder)
        done = self.attempt("dvc", "repro")
        if found := next(filter(done.stderr.__contains__, TORN), ""):
            tally.note(f"DVC had torn {TORN[found]}, which `make repro` mended")
            done = self.attempt("python", "-m", "tools.repro")
        assert_told(done, 0)
        assert contents(self.folder) == self.whole
        assert not rests(self.folder)
        assert_told(self.attempt("python", "-m", "tools.track"), 0)
        wait_for_the_end(self.folder)
        with closing(sqlite3.connect(self.store)) as store:
            assert store.execute("PRAGMA quick_check").fetchall() == [("ok",)]
