"""Thousands of broken files through all readers, and a few giant ones.

What is tried stands in fuzzing.py, fuzzing_media.py, fuzz_scenes.py, fuzz_links.py, fuzz_archives.py and fuzz_big.py;
what must hold for each in fuzz_sweep.py. Both run in processes of their own: memory and audit events are theirs alone.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from socal_core.annotations.tracker import track_all
from socal_core.annotations.xml_files import read_xml
from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.outcomes import read_outcomes
from socal_core.dataset.problem_kinds.kind import ProblemKind
from socal_core.dataset.problems import ProblemLog
from tests.dataset.fuzz_big import CASES

GB = 1_000_000_000
READERS = frozenset(
    (
        "csv", "track ids", "mapping", "outcomes", "demographics", "yolo", "data.yaml", "voc", "cvat-images",
        "cvat-video", "coco", "mot", "labels.txt", "images", "zip",
    )
)  # fmt: skip
VIDEOS = frozenset({"mp4", "avi", "mkv"})
SLOW = frozenset(
    (
        "JSON, as wide as is read", "XML, boxes", "XML, images", "XML, tracks", "CSV, as many rows as are read",
        "CSV, as many odd rows as are read", "MOT, as many rows as are read", "mapping, as many rows as are read",
        "outcomes, as wide as is read", "one frame, 100,000 boxes", "XML, attributes",
    )
)  # fmt: skip
"""The giant files that take more than five seconds each."""
QUICK = tuple(name for name in CASES if name not in SLOW)


def run(module: str, place: Path, *names: str) -> Any:
    """What a module of this folder says, run in a process of its own."""
    home = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(home), "OPENCV_FFMPEG_LOGLEVEL": "-8", "OPENCV_LOG_LEVEL": "SILENT"}
    command = [sys.executable, "-m", f"tests.dataset.{module}", str(place), *names]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout)


SAMPLED = 5
"""Without --full, every SAMPLED-th round of the sweep is run."""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, full: bool) -> Any:
    return run("fuzz_sweep", tmp_path_factory.mktemp("sweep"), "--every", str(1 if full else SAMPLED))


@pytest.mark.slow
def test_no_broken_file_does_harm(swept: Any) -> None:
    assert swept["failures"] == []


@pytest.mark.slow
def test_every_reader_met_many_broken_files(swept: Any, full: bool) -> None:
    tried, every = swept["tried"], 1 if full else SAMPLED
    assert sum(tried.values()) >= 2_000 // every
    assert {reader: count for reader, count in tried.items() if reader in READERS and count < 80 // every} == {}
    assert set(tried) == READERS | VIDEOS | {"links"}
    assert sum(tried[suffix] for suffix in VIDEOS) >= 80 // every


@pytest.mark.slow
def test_nearly_all_folders_are_opened_in_spite_of_it(swept: Any, full: bool) -> None:
    """A sweep whose folders are refused as a whole would see little."""
    assert swept["refused"] <= tried_at_once(swept) * (0.1 if full else 0.2)


def tried_at_once(swept: Any) -> int:
    """A lower bound for the number of folders opened: the tables are replaced together, the links one by one."""
    return int(swept["tried"]["csv"] + swept["tried"]["links"] + swept["tried"]["data.yaml"])


@pytest.mark.slow
def test_the_sweep_stays_within_memory(swept: Any) -> None:
    assert swept["peak"] < GB


@pytest.mark.slow
def test_the_sweep_met_the_problems_that_it_is_about(swept: Any, full: bool) -> None:
    wanted = {
        "bad-coordinates", "bad-entry", "broken-xml", "class-without-name", "empty-file", "not-utf-8",
        "nul-bytes", "unreadable-file", "unreadable-frame", "unreadable-video", "unknown-trial",
        "wrong-number-of-fields",
    }  # fmt: skip
    rare = {"broken-quotes"} if full else set()
    assert (wanted | rare) - set(swept["codes"]) == set()


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run("fuzz_big", tmp_path_factory.mktemp("quick"), *QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("case", QUICK)
def test_a_giant_file_is_refused_or_read_in_seconds(case: str, quick: Any) -> None:
    assert_harmless(quick[case])


@pytest.mark.full
@pytest.mark.parametrize("case", sorted(SLOW))
def test_a_giant_file_that_is_read_in_part_ends_too(case: str, tmp_path: Path) -> None:
    assert_harmless(run("fuzz_big", tmp_path, case)[case])


def assert_harmless(took: dict[str, Any]) -> None:
    assert "error" not in took, took
    assert took["problems"] > 0
    assert took["peak"] < GB, took
    assert took["seconds"] < 60, took


@pytest.mark.parametrize(
    ("content", "code", "row"),
    [
        ("trial_id,success\n" + "x" * 20_001 + "\nS1T1,1\n", "row-too-long", 2),
        ("trial_id,success\n" + "S1T1,1\n" * 100_000, "file-too-large", None),
        ("trial_id,success\n" + "," * 30_000_000, "file-too-large", None),
    ],
)
def test_a_table_that_is_none_is_refused_with_its_reason(
    content: str, code: str, row: int | None, tmp_path: Path
) -> None:
    """Short rows by the million, or a header of millions of columns, would take gigabytes."""
    (tmp_path / layout.OUTCOMES_FILE).write_text(content)
    log = ProblemLog()
    outcomes, rows = read_outcomes(DataFolder(tmp_path), {}, log)
    assert (len(outcomes), rows) == ((1, 1) if row else (0, 0))
    (problem,) = [problem for problem in log.problems() if problem.code == code]
    assert (problem.path, problem.row) == (layout.OUTCOMES_FILE, row)


def test_a_crowd_is_not_linked_and_a_few_are() -> None:
    """Costs of 100,000 old times 100,000 new boxes would take terabytes."""
    place = np.arange(501)
    frames = [pd.DataFrame({"position": frame, "x1": 20 * place, "y1": 0}) for frame in (0, 1)]
    boxes = pd.concat(frames, ignore_index=True)
    boxes = boxes.assign(x2=boxes["x1"] + 10, y2=10, label="muscle", trial_id="S1T1", track_id=pd.NA)
    boxes = boxes.astype({"track_id": "Int64"})
    ids = track_all(boxes)["track_id"]
    assert sorted(ids) == list(range(1, 1_003))
    few = boxes[boxes["x1"] < 20 * 500]
    ids = track_all(few)["track_id"]
    assert ids[few["position"] == 0].tolist() == ids[few["position"] == 1].tolist() == list(range(1, 501))


@pytest.mark.parametrize("encoding", ["unicode_escape", "unicode-escape", "RAW_UNICODE_ESCAPE"])
def test_xml_in_the_escapes_of_source_code_is_refused(encoding: str, tmp_path: Path) -> None:
    """Python's codec for them warns about the bytes of the file; it is never asked."""
    text = f'<?xml version="1.0" encoding="{encoding}"?><annotation><object/></annotation>'
    for name, data in (("utf-8.xml", text.encode()), ("utf-16.xml", text.encode("utf-16"))):
        (tmp_path / name).write_bytes(data)
        log = ProblemLog()
        xml = read_xml(DataFolder(tmp_path), name, {"object"}, log)
        assert xml is not None
        assert list(xml) == []
        (problem,) = log.problems()
        assert (problem.code, problem.path, problem.row) == ("broken-xml", name, 1)
        assert "encoding" in problem.parameters["reason"]


def test_control_characters_in_a_file_name_are_spelled_out() -> None:
    """A message is one line, and a terminal obeys nothing in it."""
    log = ProblemLog()
    kind = ProblemKind("x", Severity.ERROR, "", "Video {path} is none: {reason}", "")
    log.add(kind, "a\n\x1b[2J.mp4", row=1, reason="\x1b[0m\n")
    (problem,) = log.problems()
    assert (problem.path, problem.parameters) == ("a\\n\\x1b[2J.mp4", {"reason": "\\x1b[0m\\n"})
    assert problem.message == "Video a\\n\\x1b[2J.mp4 is none: \\x1b[0m\\n"
