"""The log of the server: lines, rotation, and disks that refuse it. In processes of their own, as logging is global."""

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from socal_core.maintenance.server_log import LogFile
from tests.disks import on_small_disk

START = "import logging; from socal_core.maintenance.server_log import start_server_log; "


def run(code: str) -> str:
    """Run code and return what the console shows."""
    done = subprocess.run([sys.executable, "-c", START + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().decode("ascii").splitlines()]


def test_each_record_is_one_line_and_the_console_shows_what_it_showed(workspace: Path) -> None:
    shown = run(
        "start = logging.getLogger('streamlit.some'); start.propagate = False\n"
        "start.addHandler(logging.StreamHandler())\n"
        "access = logging.getLogger('uvicorn.access'); access.propagate = False; access.setLevel('INFO')\n"
        "start_server_log()\n"
        "logging.getLogger('pages.some').info('quiet')\n"
        "access.info('GET /frames/TOKEN')\n"
        "start.warning('of streamlit')\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: logging.getLogger('socal_core.some').exception('two\\nlines\\u2028of %s', 'text')\n"
    )
    file = workspace / "logs" / "server.jsonl"
    assert file.stat().st_mode & 0o777 == 0o600
    first, *rest = lines(file)
    assert first["message"].startswith("The server of version ")
    assert [(line["level"], line["logger"], line["message"]) for line in rest] == [
        ("INFO", "pages.some", "quiet"),
        ("WARNING", "streamlit.some", "of streamlit"),
        ("ERROR", "socal_core.some", "two\nlines\u2028of text"),
    ]
    assert rest[2]["traceback"].endswith("ZeroDivisionError: division by zero")
    assert first["time"].endswith("+00:00")
    assert shown.count("of streamlit") == 1
    assert shown.count("ZeroDivisionError: division by zero") == 1
    assert "quiet" not in shown


def test_files_are_rotated_and_no_line_is_cut(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "server.jsonl", largest=2_000, files=3)
    for number in range(100):
        file.handle(logging.LogRecord("socal", logging.INFO, "", 0, "message %d", (number,), None))
    file.close()
    kept = [tmp_path / name for name in ("server.jsonl.2", "server.jsonl.1", "server.jsonl")]
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    found = [line["message"] for path in kept for line in lines(path)]
    assert found == [f"message {number}" for number in range(100 - len(found), 100)]
    assert all(path.stat().st_size <= 2_000 and path.stat().st_mode & 0o777 == 0o600 for path in kept)


WRITE = """
import logging, sys
from pathlib import Path
from socal_core.maintenance.server_log import LogFile
file = LogFile(Path(sys.argv[1]), largest=20_000, files=50)
print("open", flush=True)
input()
for number in range(1000):
    text = "message %d " + "x" * (number % 200)
    file.handle(logging.LogRecord(sys.argv[2], logging.INFO, "", 0, text, (number,), None))
"""


def test_servers_of_one_workspace_share_the_file(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", WRITE, str(tmp_path / "server.jsonl"), name] for name in ("one", "two", "three")]
    servers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for command in commands]
    for server in servers:  # all begin when all have opened the file
        assert server.stdout is not None
        assert server.stdout.readline() == b"open\n"
    for server in servers:
        assert server.stdin is not None
        server.stdin.write(b"\n")
        server.stdin.flush()
    for server in servers:
        server.communicate()
        assert server.returncode == 0
    files = sorted(tmp_path.iterdir(), key=lambda path: -int(path.name.removeprefix("server.jsonl").strip(".") or 0))
    assert len(files) < 50, "none was dropped"
    found = [(line["logger"], int(line["message"].split()[1])) for path in files for line in lines(path)]
    for name in ("one", "two", "three"):
        assert sorted(number for logger, number in found if logger == name) == list(range(1000)), "no line is lost"
    # While one server rotates the full file, the others add lines to it.
    assert all(12_000 < path.stat().st_size < 60_000 for path in files[:-1]), "none was rotated twice"
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)


def test_the_log_goes_on_after_a_rotation_that_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = LogFile(tmp_path / "server.jsonl", largest=200, files=2)
    (tmp_path / "server.jsonl.1" / "in the way").mkdir(parents=True)
    for number in range(4):
        file.handle(logging.LogRecord("test", logging.INFO, "", 0, "message %d", (number,), None))
    assert capsys.readouterr().err.count("The log of the server cannot be written") == 1
    shutil.rmtree(tmp_path / "server.jsonl.1")
    file.handle(logging.LogRecord("test", logging.INFO, "", 0, "the last", (), None))
    file.close()
    assert [line["message"] for line in lines(tmp_path / "server.jsonl")] == ["the last"]


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "server.jsonl")
    for name in ("first", "second"):
        file.handle(logging.LogRecord("socal", logging.INFO, "", 0, name, (), None))
        (tmp_path / "server.jsonl").rename(tmp_path / name)
    file.close()
    assert [lines(tmp_path / name)[0]["message"] for name in ("first", "second")] == ["first", "second"]


def test_a_place_that_cannot_be_written_to_does_not_stop_the_server(workspace: Path) -> None:
    (workspace / "logs").touch()
    shown = run("start_server_log(); logging.getLogger('socal_core').warning('goes on')")
    assert "There is no log in the workspace" in shown
    assert "goes on" in shown


FILL = """
import contextlib, io, json, logging, os
from socal_core.maintenance.server_log import start_server_log
from socal_core.workspace import workspace
shown = io.StringIO()
with contextlib.redirect_stderr(shown):
    start_server_log()
    with contextlib.suppress(OSError), open(workspace() / "full", "wb") as file:
        while True:
            file.write(os.urandom(4096)), file.flush()
    for number in range(500):
        logging.getLogger("socal_core").info("message %d %s", number, "x" * 100)
print(json.dumps(shown.getvalue()))
"""


def test_a_full_disk_does_not_stop_the_server(workspace: Path) -> None:
    shown = on_small_disk("200k", FILL)
    assert shown.count("The log of the server cannot be written") == 1
    assert "No space left on device" in shown


@pytest.mark.parametrize("problem", ["", "Locks count on one machine."])
def test_locks_that_do_not_work_are_in_the_log(workspace: Path, problem: str) -> None:
    run(
        "from socal_core.maintenance import server_log\n"
        f"server_log.lock_problem = lambda _: {problem!r}; start_server_log()"
    )
    found = [line["message"] for line in lines(workspace / "logs" / "server.jsonl") if line["level"] == "WARNING"]
    assert found == [problem] * bool(problem)
