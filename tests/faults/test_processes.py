"""Test that the next run is correct after a kill, concurrent commands or a disk fault."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
from helpers.clones import digits_clone
from helpers.processes import wait_until_ended
from helpers.stores import NOWHERE

TIMEOUT = 300  # seconds until processes must have ended, on a busy machine


def processes(directory: Path, name: str = "") -> list[psutil.Process]:
    """Return all processes in `directory`, or only the Python processes that run `name`."""
    found = psutil.process_iter(["cmdline", "cwd"])  # None if the process has ended
    local = [one for one in found if Path(one.info["cwd"] or "/").is_relative_to(directory)]
    lines = [one.info["cmdline"] or [""] for one in local]
    pairs = zip(local, lines, strict=True)
    return [one for one, line in pairs if not name or (name in line and "python" in line[0])]


@pytest.mark.extended
@pytest.mark.parametrize(
    ("killed", "stage", "seconds"),
    [("all", "train", 0.2), ("DVC", "train", 1.0), ("the stage", "lesson", 1.5)],
)
def test_a_kill_loses_no_results(killed: str, stage: str, seconds: float, tmp_path: Path) -> None:
    """Kill DVC and its stage, only DVC (the stage then continues), or only the stage."""
    clone = digits_clone(tmp_path / "clone")
    dvc = clone.start("dvc", "repro", "--force", "--single-item", stage)
    while not (running := processes(clone.directory, f"stages.{stage}")):
        assert dvc.poll() is None, dvc.communicate()
        time.sleep(0.02)
    time.sleep(seconds)
    if killed == "all":
        os.killpg(dvc.pid, signal.SIGKILL)
    elif killed == "DVC":
        dvc.kill()
    else:
        for process in running:
            with suppress(psutil.NoSuchProcess):  # it may have ended meanwhile
                process.kill()
    output, _ = dvc.communicate(timeout=TIMEOUT)
    assert "Traceback" not in output, output
    wait_until_ended(processes(clone.directory), TIMEOUT)
    clone.run("python", "-m", "softmax", "run")
    clone.run("python", "-m", "softmax", "track")
    clone.assert_clean()
    assert not [*clone.directory.rglob("*.partial")]
    with closing(sqlite3.connect(clone.directory / "mlflow.db")) as store:
        assert store.execute("PRAGMA quick_check").fetchall() == [("ok",)]


CLASH = (0, 1, 255)  # if two DVC processes run the same stage, one may end with an error


@pytest.mark.extended
def test_concurrent_repro_experiments_and_track_lose_no_results(tmp_path: Path) -> None:
    """Start two `dvc repro`, two experiments and `softmax track`."""
    clone = digits_clone(tmp_path / "clone")
    repro = ["dvc", "repro", "--force", "--single-item", "evaluate"]
    experiment = ["dvc", "--wait-for-lock", "exp", "run", "--temp", "-S"]
    commands = {
        "first": (repro, CLASH),
        "second": (repro, CLASH),
        "track": (["python", "-m", "softmax", "track"], (0, 2)),
        "low": ([*experiment, "train.learning_rate=0.001", "--name", "low", "evaluate"], (0,)),
        "high": ([*experiment, "train.learning_rate=0.1", "--name", "high", "evaluate"], (0,)),
    }
    running = {name: clone.start(*command) for name, (command, _) in commands.items()}
    for name, process in running.items():
        output, _ = process.communicate(timeout=TIMEOUT)
        assert "Traceback" not in output, output
        assert process.returncode in commands[name][1], f"{name}: {output}"
    assert {*clone.run("dvc", "exp", "list", "--name-only").split()} >= {"low", "high"}
    clone.run("python", "-m", "softmax", "run")
    clone.assert_clean()
    clone.run("python", "-m", "softmax", "track")


SCRIPT = """
mount -t tmpfs -o size=64m tmpfs "$1"
cp -r "$2" "$1/clone"
cd "$1/clone"
{spoil}
status=0
"$3" -m stages.export || status=$?
echo "stage: $status"
dvc repro --force --single-item export || echo "dvc: $?"
find . -name "*.partial"
{repair}
"$3" -m softmax run
git status --porcelain
dvc status
"""
FULL = "dd if=/dev/zero of=ballast bs=4096 2>/dev/null || truncate --size=-20K ballast"


@pytest.mark.extended
@pytest.mark.parametrize(
    ("spoil", "repair", "reason"),
    [
        (FULL, "rm ballast", "No space left on device"),
        ('mount -o remount,ro "$1"', 'mount -o remount,rw "$1"', "Read-only file system"),
    ],
    ids=["full", "read-only"],
)
def test_a_disk_fault_is_reported_and_the_next_run_completes(
    spoil: str, repair: str, reason: str, tmp_path: Path
) -> None:
    clone = digits_clone(tmp_path / "clone")
    # on a full disk, Python would write truncated bytecode, which it cannot load later
    clone.environment |= {"MLFLOW_TRACKING_URI": NOWHERE, "PYTHONDONTWRITEBYTECODE": "1"}
    (tmp_path / "disk").mkdir()
    mount = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec")
    if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine permits no namespaces")
    places = (str(tmp_path / "disk"), str(clone.directory), sys.executable)
    done = clone.attempt(*mount, SCRIPT.format(spoil=spoil, repair=repair), "sh", *places)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    output = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert 1 <= len(output) == len([line for line in output if reason in line]) <= 2
    assert "stage: 2\n" in done.stdout
    # DVC removes old outputs first, so the new outputs may fit on a full disk
    assert "dvc: " in done.stdout or "space" in reason
    assert ".partial" not in done.stdout
    assert done.stdout.endswith("\nData and pipelines are up to date.\n")
