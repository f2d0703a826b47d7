"""What make bench says of a machine and of growth."""

import platform
from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import growth


@pytest.mark.parametrize(
    ("cpuinfo", "processor", "said"),
    [
        ("processor\t: 0\nmodel\t\t: 6\nmodel name\t: Xeon: 2.8 GHz\n", "", "Xeon: 2.8 GHz"),
        ("processor\t: 0\nBogoMIPS\t: 50.00\nCPU part\t: 0xd0c\n", "aarch64", "aarch64"),
        (None, "arm", "arm"),
        (None, "", platform.machine()),
    ],
    ids=["x86-64", "Arm", "macOS", "unnamed"],
)
def test_every_machine_has_a_name(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cpuinfo: str | None,
    processor: str,
    said: str,
) -> None:
    path = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        path.write_text(cpuinfo)
    monkeypatch.setattr(benchmarks, "CPUINFO", path)
    monkeypatch.setattr(platform, "processor", lambda: processor)
    assert benchmarks.machine().startswith(f"{said}, ")


@pytest.mark.filterwarnings("error")
def test_memory_that_does_not_grow_has_no_exponent() -> None:
    assert growth.exponent([1, 4, 16], [0.0, 3.0, 11.0]) is None
    assert growth.exponent([1, 4, 16], [3.0, 6.0, 12.0]) == pytest.approx(0.5)
