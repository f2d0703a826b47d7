"""On a real disk, full or read-only, a stage says so, and DVC goes on later."""

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.clones import digits_clone
from helpers.stores import NOWHERE

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
{mend}
"$3" -m softmax run
git status --porcelain
dvc status
"""
FULL = "dd if=/dev/zero of=ballast bs=4096 2>/dev/null || truncate --size=-20K ballast"


@pytest.mark.extended
@pytest.mark.parametrize(
    ("spoil", "mend", "reason"),
    [
        (FULL, "rm ballast", "No space left on device"),
        ('mount -o remount,ro "$1"', 'mount -o remount,rw "$1"', "Read-only file system"),
    ],
    ids=["full", "read-only"],
)
def test_a_stage_says_so_and_the_pipeline_goes_on(
    spoil: str, mend: str, reason: str, tmp_path: Path
) -> None:
    clone = digits_clone(tmp_path / "clone")
    # on a full disk, Python leaves bytecode that it cannot load
    clone.environment |= {"MLFLOW_TRACKING_URI": NOWHERE, "PYTHONDONTWRITEBYTECODE": "1"}
    (tmp_path / "disk").mkdir()
    mount = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec")
    if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine permits no namespaces")
    places = (str(tmp_path / "disk"), str(clone.directory), sys.executable)
    done = clone.attempt(*mount, SCRIPT.format(spoil=spoil, mend=mend), "sh", *places)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert 1 <= len(said) == len([line for line in said if reason in line]) <= 2
    assert "stage: 2\n" in done.stdout
    # what DVC removes before it runs the stage may be room enough for the new files
    assert "dvc: " in done.stdout or "space" in reason
    assert ".partial" not in done.stdout
    assert done.stdout.endswith("\nData and pipelines are up to date.\n")
