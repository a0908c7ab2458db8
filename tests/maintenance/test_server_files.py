"""docs/server: the systemd unit and the Dockerfile, checked by systemd and Docker where they are."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "docs" / "server"


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine")
    # The program of the unit is not installed here, and its account does not exist.
    unit = (SERVER / "socal.service").read_text(encoding="utf-8")
    unit = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit, flags=re.MULTILINE)
    (tmp_path / "socal.service").write_text(unit, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "socal.service")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [line for line in done.stderr.splitlines() if "socal.service" in line]
    assert found == []
    if done.returncode and not found:
        pytest.skip(f"systemd cannot verify units here: {done.stderr.strip()}")


def test_what_the_dockerfile_copies_is_there() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (SERVER / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert "requirements.txt" in names
    assert [name for name in names if not (ROOT / name).exists()] == []


@pytest.mark.full
def test_docker_builds_the_image() -> None:
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        pytest.skip("there is no Docker daemon on this machine")
    command = ["docker", "build", "--quiet", "--file", str(SERVER / "Dockerfile"), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
