"""socal_core.training: the command or address that is called when a run ends."""

import json
import os
import shlex
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from socal_core.errors import RunError
from socal_core.lifecycle.state import RunState, read_status
from socal_core.lifecycle.waiting import HOOK_VARIABLE
from socal_core.runs.files.records import CrossValidation
from socal_core.runs.folder import RunFolder
from socal_core.training.cross_validation import cross_validate
from socal_core.training.end_hook import hook_after
from socal_core.training.run_end import RunEnd
from socal_core.training.worker import work
from tests.training.small_runs import new_run

NOTE = """
import fcntl, json, os, sys
about = [os.environ[name] for name in ("SOCAL_RUN", "SOCAL_STATE", "SOCAL_REASON")]
with open(os.path.join(about[0], "worker.lock")) as lock:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an error if the run still holds it
with open(sys.argv[1], "a") as file:
    file.write(json.dumps(about) + chr(10))
"""


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which a command notes what it is told at the end of runs."""
    script = tmp_path / "a script.py"
    script.write_text(NOTE, encoding="utf-8")
    monkeypatch.setenv(HOOK_VARIABLE, shlex.join([sys.executable, str(script), str(tmp_path / "noted")]))
    return tmp_path / "noted"


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
def test_a_command_is_told_of_runs_that_are_done_and_failed(
    tmp_path: Path, shared_data_folder: Path, noted: Path
) -> None:
    done = new_run(tmp_path / "done", shared_data_folder, num_epochs=1)
    assert work(done, resume=False) is RunState.DONE
    failed = new_run(tmp_path / "failed", tmp_path / "no data")
    assert work(failed, resume=False) is RunState.FAILED
    reason = read_status(failed).reason
    assert "no data" in reason
    assert lines_of(noted) == [[str(done.path), "done", ""], [str(failed.path), "failed", reason]]


@pytest.mark.slow
def test_a_run_that_restarts_tells_once(
    tmp_path: Path, shared_data_folder: Path, noted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path / "run", shared_data_folder, num_epochs=1, restarts=1)
    assert work(run, resume=False, restarts=True) is RunState.DONE
    assert lines_of(noted) == [[str(run.path), "done", ""]]


@pytest.mark.slow
def test_a_cross_validation_tells_once(tmp_path: Path, shared_data_folder: Path, noted: Path) -> None:
    config = new_run(tmp_path / "one", shared_data_folder, num_epochs=1, split_method="k-fold").read_config()
    run = RunFolder.create(tmp_path / "cv", config, shared_data_folder, cross_validation=CrossValidation(2, 1))
    assert cross_validate(run) is RunState.DONE
    assert lines_of(noted) == [[str(run.path), "done", ""]]


def test_a_run_that_does_not_begin_tells_nothing(tmp_path: Path, shared_data_folder: Path, noted: Path) -> None:
    run = new_run(tmp_path / "run", shared_data_folder)
    run.lock_file.mkdir()
    with pytest.raises(RunError):
        work(run, resume=False)
    assert not noted.exists()


@pytest.mark.parametrize(
    ("hook", "problem"),
    [
        (shlex.join([sys.executable, "-c", "raise SystemExit(3)"]), "the command ended with exit code 3"),
        ("/no/such/program secret", "the command could not be used: No such file or directory"),
        ("'secret", "the command could not be used: No closing quotation"),
        ("http://127.0.0.1:1/secret", "the address could not be used: "),
        ("http://[secret", "the address could not be used: "),
    ],
)
def test_a_hook_that_fails_is_only_a_line_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, hook: str, problem: str
) -> None:
    monkeypatch.setenv(HOOK_VARIABLE, hook)
    run = new_run(tmp_path / "run", tmp_path / "no data")
    assert work(run, resume=False) is RunState.FAILED
    assert f"The hook in SOCAL_ON_END failed: {problem}" in caplog.text
    assert "secret" not in caplog.text


class Server(HTTPServer):
    """Keeps what was posted, and answers with `answer`."""

    answer = 200
    phrase: str | None = None
    """The words after the number; None for the usual ones."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posted: list[tuple[str | None, Any]] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.headers["Content-Type"], json.loads(content)))
        self.send_response(self.server.answer, self.server.phrase)
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Print nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv(HOOK_VARIABLE, f"http://127.0.0.1:{server.server_port}/hook?key=secret")
        yield server
        server.shutdown()
        thread.join()


def test_an_address_is_told(tmp_path: Path, server: Server) -> None:
    run = new_run(tmp_path / "run", tmp_path / "no data")
    assert work(run, resume=False) is RunState.FAILED
    about = {"run": "run", "state": "failed", "reason": read_status(run).reason}
    assert server.posted == [("application/json", about)]


def test_an_address_is_told_names_of_files_without_their_folders(tmp_path: Path, server: Server) -> None:
    run = new_run(tmp_path / "run", tmp_path)
    end = RunEnd(run, lambda *arguments, **values: None, writes=False)
    with hook_after(run, end):
        end.state, end.reason = RunState.FAILED, f"{tmp_path}/table.csv and '{tmp_path}/b.csv' differ. 1/2 is read."
    assert server.posted[0][1]["reason"] == "table.csv and 'b.csv' differ. 1/2 is read."


@pytest.mark.parametrize(("phrase", "reason"), [(None, "Internal Server Error"), ("", "HTTP Error 500")])
def test_an_address_that_refuses_is_a_line_in_the_log(
    tmp_path: Path, server: Server, caplog: pytest.LogCaptureFixture, phrase: str | None, reason: str
) -> None:
    server.answer, server.phrase = 500, phrase
    assert work(new_run(tmp_path / "run", tmp_path / "no data"), resume=False) is RunState.FAILED
    assert len(server.posted) == 1
    assert f"the address could not be used: {reason}." in caplog.text
    assert "secret" not in caplog.text
