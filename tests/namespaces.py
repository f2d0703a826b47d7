"""Commands with mounts of their own: small disks, and such that can only be read."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from shared import ROOT, forking

FILL = "dd if=/dev/zero bs=4096 of="


class Namespace:
    """Commands with mounts of their own, which end with the test."""

    def __init__(self, folder: Path) -> None:
        self.disk = folder / "disk"
        self.disk.mkdir()
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
        self.holder = subprocess.Popen(
            [*command, "echo entered; cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.holder.stdout is not None
        self.environment = {"DVC_ROOT": str(self.disk), "MLFLOW_TRACKING_URI": ""}
        self.permitted = self.holder.stdout.readline() == b"entered\n"

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run `command` there."""
        enter = ["nsenter", f"--target={self.holder.pid}", "--user", "--mount"]
        return subprocess.run(
            [*enter, "--preserve-credentials", f"--wd={Path.cwd()}", *command],
            env=forking() | {"PYTHONPATH": str(ROOT)} | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def sh(self, script: str) -> None:
        """Run `script` there, which must succeed."""
        done = self.run("sh", "-e", "-c", script)
        assert done.returncode == 0, done.stderr

    def python(self, program: str) -> "subprocess.CompletedProcess[str]":
        """Run `program` there, which must succeed."""
        done = self.run("python", "-c", program)
        assert done.returncode == 0, done.stderr
        return done


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Namespace]:
    """A disk of this size, mounted where only its own commands see it."""
    namespace = Namespace(folder)
    try:
        if not namespace.permitted:
            pytest.skip("this machine permits no namespaces")
        namespace.sh(f"mount -t tmpfs -o size={mebibytes}m tmpfs {namespace.disk}")
        yield namespace
    finally:
        namespace.holder.kill()
        namespace.holder.wait()
