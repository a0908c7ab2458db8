"""socal_core.runs.files: all files of a run are read with the same checks and errors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from socal_core.errors import RunError
from socal_core.runs.activity import ProcessRecord, RunState
from socal_core.runs.checkpoint_folders import damage_of
from socal_core.runs.files.metrics_file import METRICS
from socal_core.runs.files.records import (
    ENVIRONMENT,
    MANIFEST,
    NOTES,
    ORIGIN,
    SPLIT,
    STATUS,
    TRAINING,
    Environment,
    Manifest,
    Notes,
    Origin,
    Status,
    TrainingState,
    WeightsRecord,
)
from socal_core.runs.files.run_file import NewerFormatError, RunFile
from socal_core.runs.folder import RunFolder
from socal_core.settings import SplitMethod
from socal_core.splits import Split
from tests.made_runs import write_run

OWNER = "Run run-1"
CONTENTS: list[tuple[RunFile[Any], Any]] = [
    (SPLIT, Split(("S1T1",), ("S2T1",), (), 3, SplitMethod.RANDOM)),
    (STATUS, Status(RunState.FAILED, "Größe", 1.5, ProcessRecord(7, None, "boot", "", 2))),
    (ORIGIN, Origin("run-0", "epoch-0001")),
    (NOTES, Notes("name", "two\nlines", ("a", "b"))),
    (ENVIRONMENT, Environment(python="3.11", packages={"torch": "2"}, weights=WeightsRecord("tiny", None, "0" * 64))),
    (TRAINING, TrainingState(3, 2, 0.25, 1, 4, 1.5)),
    (MANIFEST, Manifest({"model.safetensors": (12, "0" * 64)})),
]
by_name = pytest.mark.parametrize(("file", "content"), CONTENTS, ids=[file.name for file, _ in CONTENTS])


@by_name
def test_files_are_read_as_written_with_and_without_a_format(
    tmp_path: Path, file: RunFile[Any], content: object
) -> None:
    assert file.read(tmp_path, OWNER) is None
    file.write(tmp_path, content)
    values = json.loads((tmp_path / file.name).read_text())
    assert values.pop("format") == 1
    assert file.read(tmp_path, OWNER) == content
    (tmp_path / file.name).write_text(json.dumps(values))
    assert file.read(tmp_path, OWNER) == content


@by_name
@pytest.mark.parametrize("version", [2, 0, "1", None, 1.5])
def test_a_newer_format_is_refused(tmp_path: Path, file: RunFile[Any], content: object, version: object) -> None:
    file.write(tmp_path, content)
    path = tmp_path / file.name
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": version}))
    with pytest.raises(NewerFormatError) as caught:
        file.read(tmp_path, OWNER)
    assert (
        str(caught.value) == f"{OWNER}: {file.name} has format {version!r}, this version reads up to 1. Update the app."
    )


def without(field: str) -> Callable[[dict[str, Any]], object]:
    return lambda values: {name: value for name, value in values.items() if name != field}


@pytest.mark.parametrize(
    ("file", "change", "problem"),
    [
        (SPLIT, without("seed"), "its field seed is missing"),
        (SPLIT, lambda values: values | {"train": ["S1T1", 7]}, "its field train.1 should be a valid string"),
        (SPLIT, lambda values: values | {"method": "by hand"}, "its field method should be"),
        (SPLIT, lambda values: values | {"test": ["S1T1"]}, "The split contains S1T1 more than once"),
        (ORIGIN, lambda values: {"run": 3, "checkpoint": "x"}, "its field run should be a valid string"),
        (TRAINING, lambda values: values | {"epoch": "3"}, "its field epoch should be a valid integer"),
        (TRAINING, lambda values: [values], "it is not a JSON object"),
        (ENVIRONMENT, lambda values: values | {"packages": {"torch": 2}}, "its field packages.torch should be"),
        (MANIFEST, lambda values: {"files": {"a": [1]}}, "its field files.a.1 is missing"),
    ],
)
def test_a_wrong_field_is_named(
    tmp_path: Path, file: RunFile[Any], change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    file.write(tmp_path, next(content for known, content in CONTENTS if known is file))
    path = tmp_path / file.name
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(RunError) as caught:
        file.read(tmp_path, OWNER)
    assert str(caught.value).startswith(f"{OWNER}: {file.name} cannot be read: {problem}")
    assert str(caught.value).endswith(file.remedy)


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"null", b'"text"', None])
@pytest.mark.parametrize("file", [file for file, _ in CONTENTS], ids=lambda file: file.name)
def test_a_file_that_is_not_a_json_object_is_refused(tmp_path: Path, file: RunFile[Any], damage: bytes | None) -> None:
    path = tmp_path / file.name
    if damage is None:
        path.mkdir()
    else:
        path.write_bytes(damage)
    with pytest.raises(RunError, match=rf"{file.name} cannot be read") as caught:
        file.read(tmp_path, OWNER)
    assert str(tmp_path) not in str(caught.value)


def test_metrics_are_read_as_written(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_run(tmp_path / "run-1", shared_data_folder)
    metrics = run.read_metrics()
    assert metrics is not None
    metrics["intervals"]["accuracy"] = (0.25, 0.75)
    METRICS.write(tmp_path, metrics)
    assert METRICS.read(tmp_path, OWNER) == metrics


def test_a_checkpoint_of_a_newer_version_is_not_skipped_as_damaged(tmp_path: Path) -> None:
    MANIFEST.write(tmp_path, Manifest({}))
    assert damage_of(tmp_path) == ""
    (tmp_path / MANIFEST.name).write_text('{"format": 2, "files": {}}')
    with pytest.raises(NewerFormatError, match="Update the app"):
        damage_of(tmp_path)


def test_names_of_files_stay(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    files = (run.split_file, run.status_file, run.environment_file, run.notes_file, run.metrics_file, run.origin_file)
    assert [path.name for path in files] == [
        "split.json",
        "status.json",
        "environment.json",
        "notes.json",
        "metrics.json",
        "continued_from.json",
    ]
