"""The audit log: what is recorded, and that nothing damages or shortens it."""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from socal_core.access import audit
from socal_core.access.audit import AUDIT_FILE, DONE, FAILED, LONGEST, REFUSED, acting, read_audit, record
from socal_core.access.permissions import Action
from socal_core.access.server_config import Role
from socal_core.access.users import User
from socal_core.cli import main
from socal_core.errors import AccessError, RunError

HOSTILE = 'a\nb\r\u2028{"user": "ada"}\x1b[31m\ud800=cmd|\' /C calc\'!A0<script>'


def lines(workspace: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (workspace / AUDIT_FILE).read_text(encoding="ascii").splitlines()]


def test_what_was_done_refused_and_failed_is_recorded(workspace: Path) -> None:
    with acting(User("rosa", Role.RESEARCHER), Action.START_RUN) as deed:
        deed.what = "run-1"
    with pytest.raises(AccessError), acting(User("vera", Role.VIEWER), Action.START_RUN, what="run-2"):
        raise AssertionError("a viewer starts nothing")
    with pytest.raises(RunError), acting(User("rosa", Role.RESEARCHER), Action.START_RUN, what="run-3"):
        raise RunError("The disk is full.")
    with pytest.raises(AccessError), acting(None, Action.OPEN_DATA, what="/data"):
        raise AssertionError("nobody opens nothing")
    found = [(line["user"], line["what"], line["result"]) for line in lines(workspace)]
    assert found == [
        ("rosa", "run-1", DONE),
        ("vera", "run-2", REFUSED),
        ("rosa", "run-3", FAILED),
        ("", "/data", REFUSED),
    ]
    assert lines(workspace)[2]["reason"] == "The disk is full."
    assert lines(workspace)[0]["time"].endswith("+00:00")
    assert (workspace / AUDIT_FILE).stat().st_mode & 0o077 == 0


def test_hostile_text_is_one_line_of_data(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(HOSTILE, "start run", HOSTILE * 100)
    (line,) = lines(workspace)
    assert line["user"] == HOSTILE
    assert len(line["what"]) == LONGEST
    (entry,), unreadable = read_audit()
    assert unreadable == 0
    entry.user.encode("utf-8")
    assert main(["audit"]) == 0
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) == 1
    assert "\x1b" not in shown
    assert main(["audit", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["action"] == "start run"


def test_a_full_file_gets_a_number_and_stays(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "LARGEST", 1000)
    for number in range(40):
        record("ada", "start run", f"run-{number}")
    entries, _ = read_audit()
    assert [entry.what for entry in entries] == [f"run-{number}" for number in range(40)]
    assert len(list(workspace.glob("audit.*.jsonl"))) > 3
    assert all(file.stat().st_size <= 1000 for file in workspace.glob("audit*.jsonl"))


def test_a_torn_line_costs_only_itself(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record("ada", "start run", "run-1")
    with (workspace / AUDIT_FILE).open("a") as file:
        file.write('{"time": "2026')
    record("ada", "start run", "run-2")
    with (workspace / AUDIT_FILE).open("a") as file:
        file.write('[]\n{"time": 1}\n')
    entries, unreadable = read_audit()
    assert ([entry.what for entry in entries], unreadable) == (["run-1", "run-2"], 3)
    main(["audit"])
    assert "3 lines" in capsys.readouterr().err


def test_a_log_that_cannot_be_written_keeps_nobody_from_acting(
    workspace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (workspace / AUDIT_FILE).symlink_to(workspace / "elsewhere")
    with acting(User("ada", Role.ADMIN), Action.DELETE_RUN, what="run-1"):
        pass
    assert not (workspace / "elsewhere").exists(), "a link is not followed"
    assert "run-1" in caplog.text


def _record_many(number: int) -> None:
    for line in range(25):
        record(f"user-{number}", "start run", f"{os.getpid()}-{line}" + "x" * 300)


def test_processes_do_not_mix_their_lines(workspace: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        list(pool.map(_record_many, range(4)))
    entries, unreadable = read_audit()
    assert (len(entries), unreadable) == (100, 0)
