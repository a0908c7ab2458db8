"""What the app and its commands write can be read by their own account alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from socal_core.access.audit import read_audit
from socal_core.access.users import local_user
from socal_core.jobs.job import Job
from socal_core.runs.folder import RunFolder
from socal_core.workspace import runs_root, workspace
from tests.jobs.made_jobs import wait_for
from tests.training.small_runs import QUICK, small_model

PROJECT = Path(__file__).resolve().parents[1]


def open_to_others(root: Path) -> list[str]:
    found = [root, *root.rglob("*")]
    return [str(path) for path in found if not path.is_symlink() and path.stat().st_mode & 0o077]


def socal(*arguments: str, umask: int = 0o022) -> None:
    subprocess.run(
        [sys.executable, "-m", "socal_core", *arguments],
        cwd=PROJECT,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        umask=umask,
        check=True,
        capture_output=True,
    )


@pytest.mark.slow
def test_a_workspace_after_a_demo_and_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCAL_WORKSPACE", str(tmp_path / "workspace"))
    socal("demo", str(workspace() / "demo"), "--surgeons", "10")
    settings = {**QUICK, "model": small_model(), "num_epochs": 1}
    chosen = [text for name, value in settings.items() for text in ("--set", f"{name}={value}")]
    run = RunFolder(runs_root() / "run-1")
    socal("train", str(workspace() / "demo"), "--run", str(run.path), *chosen)
    socal("card", str(run.path), str(workspace() / "card.html"))
    assert run.predictions_file.is_file()
    assert len(list(workspace().rglob("*"))) > 100
    assert open_to_others(workspace()) == []
    assert run.read_owner() == local_user().name
    assert [(line.action, line.result) for line in read_audit()[0]] == [
        ("start run", "done"),
        ("export run card", "done"),
    ]


def test_a_job_writes_for_its_own_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCAL_WORKSPACE", str(tmp_path / "workspace"))
    out = tmp_path / "demo"
    job = Job("demo", "socal_core.jobs.generate_demo", "Generating the demo data set")
    assert job.start({"out": str(out), "surgeons": 4}, owner="rosa")
    wait_for(job)
    assert job.read_owner() == "rosa"
    assert out.is_dir()
    assert open_to_others(out) == []
