"""socal doctor: each check on a real workspace that is sound, and on one with that fault."""

import json
import os
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from socal_core.cli import main
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState
from socal_core.maintenance import doctor, machine_checks, workspace_checks
from socal_core.maintenance.doctor import OF_THE_WORKSPACE
from socal_core.maintenance.finding import Finding, Verdict
from tests.made_runs import write_run

Found = dict[str, dict[str, Any]]
Usage = namedtuple("Usage", "total used free")


def examined(capsys: pytest.CaptureFixture[str], code: int = 0) -> Found:
    assert main(["doctor", "--json"]) == code
    findings = json.loads(capsys.readouterr().out)
    assert all(bool(item["advice"]) == (item["verdict"] != "ok") for item in findings)
    assert len({item["check"] for item in findings}) == len(findings)
    return {item["check"]: item for item in findings}


def test_a_sound_workspace_has_one_line_per_check(capsys: pytest.CaptureFixture[str], workspace: Path) -> None:
    workspace.chmod(0o700)
    found = examined(capsys)
    assert len(found) == 3 + len(OF_THE_WORKSPACE)
    assert {name for name, item in found.items() if item["verdict"] != "ok"} <= {"disk"}
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(found)
    assert any(line.startswith("ok       versions     socal ") and ", torch 2" in line for line in lines)
    assert [path.name for path in workspace.iterdir()] == []


def test_runs_are_counted_and_unreadable_ones_named(
    capsys: pytest.CaptureFixture[str], workspace: Path, shared_data_folder: Path
) -> None:
    runs = workspace / "runs"
    write_run(runs / "done", shared_data_folder)
    at_work = write_run(runs / "at-work", shared_data_folder, RunState.RUNNING)
    lock = take_lock(at_work.lock_file, at_work.name)
    try:
        assert examined(capsys)["runs"] == {
            "check": "runs",
            "verdict": "ok",
            "found": "1 running, 1 done",
            "advice": "",
        }
    finally:
        os.close(lock)
    assert "1 done, 1 interrupted" in examined(capsys)["runs"]["found"]
    (runs / "done" / "config.json").write_text("{")
    (runs / "at-work" / "config.json").unlink()
    item = examined(capsys)["runs"]
    assert item["verdict"] == "warning"
    assert item["found"] == "none that can be read; unreadable: at-work, done"


def test_jobs_that_died_are_named(workspace: Path) -> None:
    assert workspace_checks.check_jobs(workspace).verdict is Verdict.OK
    folder = workspace / "jobs" / "demo"
    folder.mkdir(parents=True)
    (folder / "request.json").write_text("{}")
    item = workspace_checks.check_jobs(workspace)
    assert (item.verdict, item.found) == (Verdict.WARNING, "none at work; ended with an error: demo (died)")
    lock = take_lock(folder / "lock", "demo")
    assert workspace_checks.check_jobs(workspace).found == "at work: demo"
    os.close(lock)


def test_a_damaged_file_does_not_end_the_checks(workspace: Path) -> None:
    (workspace / "jobs" / "demo").mkdir(parents=True)
    (workspace / "jobs" / "demo" / "end.json").write_text('{"state": "no state"}')
    assert "demo (died)" in workspace_checks.check_jobs(workspace).found

    def stumble(_: Path) -> Finding:
        raise KeyError("state")

    assert doctor._carried_out("jobs", stumble, workspace).found == "a file is damaged: KeyError('state')"


def test_a_damaged_server_file_is_an_error(capsys: pytest.CaptureFixture[str], workspace: Path) -> None:
    (workspace / "server.toml").write_text('login = "maybe"')
    item = examined(capsys, code=1)["server.toml"]
    assert item["verdict"] == "error"
    assert "login" in item["found"]
    assert item["advice"] == "Correct the file."
    (workspace / "server.toml").write_text('login = "proxy"\ndata_roots = ["/nowhere/at/all"]')
    item = examined(capsys)["server.toml"]
    assert item["found"] == "login proxy, 0 users with a role; data_roots that are missing: /nowhere/at/all"


def test_files_from_the_future_are_named(workspace: Path) -> None:
    (workspace / "runs" / "run-1").mkdir(parents=True)
    (workspace / "cache").mkdir()
    for name in ("runs/run-1/config.json", "cache/clip"):
        (workspace / name).touch()
        os.utime(workspace / name, (time.time() + 3600,) * 2)
    item = machine_checks.check_clock(workspace)
    assert item.found == "1 files are from the future: runs/run-1/config.json"


@pytest.mark.parametrize(("shift", "word"), [(60, "ahead"), (-60, "behind"), (1, "")])
def test_a_clock_that_differs_is_reported(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, shift: float, word: str
) -> None:
    monkeypatch.setattr(machine_checks, "_touched", lambda path: time.time() + shift)
    item = machine_checks.check_clock(workspace)
    assert item.verdict is (Verdict.WARNING if word else Verdict.OK)
    assert word in item.found


@pytest.mark.parametrize(("free", "verdict"), [(0.5e9, Verdict.ERROR), (5e9, Verdict.WARNING), (50e9, Verdict.OK)])
def test_a_disk_that_fills_up_is_reported(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, free: float, verdict: Verdict
) -> None:
    monkeypatch.setattr(machine_checks.shutil, "disk_usage", lambda _: Usage(1e12, 0, int(free)))
    item = machine_checks.check_disk(workspace)
    assert item.verdict is verdict
    assert item.found.startswith(f"workspace {free / 1e9:.1f} GB free")


def test_a_workspace_that_others_can_reach_is_a_warning(public_folder: Path) -> None:
    """Those of the tests lie below a folder that only its owner may enter."""
    assert workspace_checks.check_permissions(public_folder).verdict is Verdict.WARNING
    public_folder.chmod(0o751)
    assert workspace_checks.check_permissions(public_folder).verdict is Verdict.OK
    public_folder.chmod(0o755)
    public_folder.parent.chmod(0o700)
    assert workspace_checks.check_permissions(public_folder).verdict is Verdict.OK
    public_folder.parent.chmod(0o755)


def test_a_workspace_that_cannot_be_written_to_is_an_error(public_folder: Path, ordinary_user: Any) -> None:
    with ordinary_user():
        if os.access(public_folder, os.W_OK, effective_ids=True):
            pytest.skip("the tests own the folder")
        item: Finding = workspace_checks.check_permissions(public_folder)
    assert item.verdict is Verdict.ERROR
    assert "cannot be written to: Permission denied" in item.found


def test_a_workspace_that_cannot_be_created_is_an_error(
    capsys: pytest.CaptureFixture[str], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "file").touch()
    monkeypatch.setenv("SOCAL_WORKSPACE", str(workspace / "file" / "folder"))
    assert examined(capsys, code=1)["workspace"]["verdict"] == "error"


def test_old_and_missing_packages_are_named() -> None:
    needed = [Requirement(line) for line in ("torch>=1.0", "numpy>=99", "not-a-package-of-anybody>=1")]
    assert machine_checks.unmet(machine_checks.requirements()) == []
    found = machine_checks.unmet(needed)
    assert len(found) == 2
    assert found[0].startswith("numpy ") and found[0].endswith("(needs >=99)")
    assert found[1] == "not-a-package-of-anybody is missing"


def test_the_token_of_the_hub_is_not_printed(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = machine_checks.check_hub(workspace).found
    assert "HF_HUB_OFFLINE=1, HF_TOKEN=(set)" in found
    assert "secret" not in found


def test_a_remembered_data_folder_that_is_gone_is_a_warning(workspace: Path, tmp_path: Path) -> None:
    for data, verdict in ((tmp_path, Verdict.OK), (tmp_path / "gone", Verdict.WARNING)):
        (workspace / "settings.json").write_text(json.dumps({"data": str(data), "given": ""}))
        item = workspace_checks.check_data(workspace)
        assert (item.verdict, str(data) in item.found) == (verdict, True)
