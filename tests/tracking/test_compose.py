"""Test that the server of compose.yaml listens only on 127.0.0.1 and has no default password."""

import re
import shlex
import subprocess

import yaml
from helpers.shared import ROOT

SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
VARIABLE = re.compile(r"\$\{(\w+)(?::\?([^}]*)|:-([^}]*))\}")


def test_compose_binds_loopback_and_pins_every_image() -> None:
    pinned = re.compile(r"^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$")
    for service in SERVICES.values():
        image = service["image"]
        if "build" in service:
            dockerfile = service["build"]["dockerfile_inline"]
            (image,) = re.findall(r"^FROM (\S+)$", dockerfile, re.MULTILINE)
            installed = shlex.split(re.findall(r"--constraint pins.txt (.*)", dockerfile)[0])
            pins = (ROOT / "requirements.txt").read_text()
            assert [name for name in installed if f"\n{name.split('[')[0]}==" not in pins] == []
        assert pinned.match(image)
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_compose_has_no_default_password() -> None:
    example = re.findall(r"^(\w+)=$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    text = (ROOT / "compose.yaml").read_text()
    assert {*example} == {match[1] for match in VARIABLE.finditer(text) if match[2]}
    for service in SERVICES.values():
        for key, value in service["environment"].items():
            assert not re.search("PASSWORD|SECRET", key) or VARIABLE.fullmatch(value)
    ignored = subprocess.run(["git", "check-ignore", "-q", ".env"], cwd=ROOT, check=False)
    assert ignored.returncode == 0
