"""Test the description of the machine and the exponents that `make bench` prints."""

import platform
from pathlib import Path

import pytest

from benchmarks import scaling, shared


@pytest.mark.parametrize(
    ("cpuinfo", "output"),
    [("model\t: 6\nmodel name\t: Xeon: 2.8 GHz\n", "Xeon: 2.8 GHz"), ("part\t: 0xd0c\n", "Arm")],
)
def test_the_machine_has_a_name_even_if_linux_writes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cpuinfo: str, output: str
) -> None:
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(shared, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "processor", lambda: "Arm")
    assert shared.machine().startswith(f"{output}, ")


@pytest.mark.filterwarnings("error")
def test_zero_additional_memory_has_no_exponent() -> None:
    assert scaling.exponent([1, 4, 16], [0.0, 3.0, 11.0]) is None
    assert scaling.exponent([1, 4, 16], [3.0, 6.0, 12.0]) == pytest.approx(0.5)
