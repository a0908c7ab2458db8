"""socal_core.runs.log_tail: lines of a log for display on a page, without paths of the server."""

from pathlib import Path

import pytest

from socal_core.runs.folder import RunFolder
from socal_core.runs.log_tail import LINES, log_tail
from socal_core.settings import TINY, default_config


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    data = tmp_path / "a hospital's data"
    data.mkdir()
    return RunFolder.create(tmp_path / "run-1", default_config(TINY), data)


def test_no_log_and_an_empty_one_have_no_lines(run: RunFolder) -> None:
    assert log_tail(run) == []
    run.log_file.touch()
    assert log_tail(run) == []


def test_the_last_lines_are_there_in_order(run: RunFolder) -> None:
    run.log_file.write_text("".join(f"line {number}\n\n" for number in range(100)))
    assert log_tail(run) == [f"line {number}" for number in range(100 - LINES, 100)]
    assert log_tail(run, lines=2) == ["line 98", "line 99"]


def test_a_long_log_is_read_from_its_end(run: RunFolder) -> None:
    run.log_file.write_text("x" * 50 + "\n" + "y" * 99 + "\n" + "z" * 32_700 + "\nlast\n")
    lines = log_tail(run)
    assert lines[-1] == "last"
    assert all(set(line) <= set("z…") for line in lines[:-1])
    assert max(map(len, lines)) <= 400


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("reading {data}/frames/1.jpeg", "reading a hospital's data/frames/1.jpeg"),
        ("wrote {run}/metrics.json", "wrote run-1/metrics.json"),
        ("cache at {home}/.cache/x", "cache at ~/.cache/x"),
        ('  File "/opt/lib/python3.11/site-packages/torch/nn.py", line 5', '  File "…/nn.py", line 5'),
        ("OSError: '/mnt/clinic/patients/7.jpeg'", "OSError: '…/7.jpeg'"),
        ("path=/srv/app/a.py:12", "path=…/a.py:12"),
        ("ask https://example.org/a/b/c for it", "ask https://example.org/a/b/c for it"),
        ("3/4 clips of train/validation", "3/4 clips of train/validation"),
        ("loss 0.5 \x1b[31mred\x1b[0m", "loss 0.5 red"),
        ("10%\r50%\r100%", "100%"),
        ("broken \xff byte", "broken � byte"),
    ],
)
def test_paths_and_controls_are_not_shown(run: RunFolder, line: str, shown: str) -> None:
    text = line.format(data=run.read_data(), run=run.path, home=Path.home())
    run.log_file.write_bytes(text.encode("latin-1") + b"\n")
    assert log_tail(run) == [shown]


def test_a_run_with_damaged_settings_still_has_a_log(run: RunFolder) -> None:
    run.config_file.write_text("{")
    run.log_file.write_text(f"reading {run.path}/x\n")
    assert log_tail(run) == ["reading run-1/x"]
