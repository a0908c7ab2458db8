"""socal_core.runs.overview"""

from pathlib import Path

import pytest

from socal_core.runs.notes import RunNotes, write_notes
from socal_core.runs.overview import differing_settings, seconds_at_work, summary_of
from socal_core.runs.run_list import list_ruins, list_runs
from socal_core.settings import TINY, TrainConfig, applicable_settings, config_from
from tests.made_runs import write_run


def config(**settings: object) -> TrainConfig:
    return config_from({"model": TINY, "recipe": "finetune", **settings}, TINY)


@pytest.mark.parametrize(
    ("settings", "differing"),
    [
        ([{}, {}], []),
        ([{}], []),
        ([{"seed": 1}, {"seed": 2}, {"seed": 2}], ["seed"]),
        ([{"seed": 1, "learning_rate": 1e-3}, {}], ["learning_rate", "seed"]),
        ([{"stride": 2}, {"stride": 3}], []),
        ([{"stride": 2, "sampling": "dense"}, {"stride": 3, "sampling": "dense"}], ["stride"]),
        ([{"sampling": "dense"}, {}], ["sampling", "stride"]),
        ([{"test_fraction": 0.2, "split_method": "k-fold"}, {"split_method": "k-fold"}], []),
        ([{"split_method": "k-fold", "fold": 1}, {"split_method": "k-fold", "fold": 2}], ["fold"]),
    ],
)
def test_settings_in_which_runs_differ(settings: list[dict[str, object]], differing: list[str]) -> None:
    assert differing_settings([config(**values) for values in settings]) == differing


def test_settings_without_effect_do_not_differ() -> None:
    acting = applicable_settings(config(split_method="socal20"))
    assert acting["split_method"] == "socal20"
    assert not {"stride", "test_fraction", "folds", "split_value"} & set(acting)


@pytest.mark.parametrize(
    ("events", "seconds"),
    [
        ([], 0),
        ([("started", 10)], 0),
        ([("started", 10), ("step", 12), ("epoch", 17)], 7),
        ([("started", 10), ("step", 15), ("started", 1000), ("epoch", 1003)], 8),
        ([("stage", 10), ("started", 12), ("epoch", 15)], 3),
        ([("started", 7200), ("step", 7203), ("step", 3605), ("epoch", 3609)], 7),  # the clock was set back an hour
    ],
)
def test_pauses_are_not_counted_as_work(events: list[tuple[str, object]], seconds: float) -> None:
    assert seconds_at_work([{"type": type_, "time": time} for type_, time in events]) == seconds


def test_the_summary_of_a_run(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_run(tmp_path / "run-1", shared_data_folder, epochs=4)
    write_notes(run, RunNotes("name", tags=("a",)))
    found = summary_of(run)
    assert found.best == (pytest.approx(0.60), 3)
    assert found.notes.tags == ("a",)
    assert found.data == shared_data_folder.resolve()
    assert found.metrics["auroc"] == run.read_metrics()["auroc"]
    assert found.started is not None
    assert found.problem == ""


@pytest.mark.parametrize(
    ("name", "content", "readable", "said"),
    [
        ("config.json", b"{", False, "config.json cannot be read"),
        ("config.json", b'{"data": "/x", "format": 99}', False, "format 99"),
        ("config.json", b'{"data": "/x", "format": 1, "seed": -1}', False, "seed"),
        ("metrics.json", b"{", True, "metrics.json cannot be read"),
        ("events.jsonl", b'{"type": "epoch"}\n{"type": "started"}\n', True, "events.jsonl cannot be read"),
        ("events.jsonl", b"\x00\xff\n", True, ""),
        ("events.jsonl", b'{"type": "epoch", "epoch": 1, "val_loss": "x"}\n', True, "field epoch.val_loss should be"),
        ("events.jsonl", b'{"type": "started", "time": 1, "epoch": 0, "format": 2}\n', True, "Update the app"),
        (
            "metrics.json",
            b'{"format": 2}',
            True,
            "metrics.json has format 2, this version reads up to 1. Update the app",
        ),
        ("metrics.json", b'{"split": "test", "n": "four"}', True, "its field n should be a valid integer"),
        ("notes.json", b"{", True, "notes.json cannot be read"),
        ("status.json", b"{", True, "status.json cannot be read"),
    ],
)
def test_damaged_files_are_named_and_the_others_are_read(
    tmp_path: Path, shared_data_folder: Path, name: str, content: bytes, readable: bool, said: str
) -> None:
    run = write_run(tmp_path / "run-1", shared_data_folder)
    (run.path / name).write_bytes(content)
    found = summary_of(run)
    assert (found.config is not None) is readable
    assert said in found.problem
    assert bool(found.problem) is bool(said)
    assert str(tmp_path) not in found.problem
    if name == "events.jsonl":
        assert found.best is None


def test_ruins_are_folders_with_something_of_a_run(tmp_path: Path, shared_data_folder: Path) -> None:
    for name in ("run-1", "run-2", "run-3"):
        write_run(tmp_path / name, shared_data_folder)
    (tmp_path / "run-2" / "config.json").unlink()
    (tmp_path / "run-3" / "config.json").unlink()
    (tmp_path / "run-3" / "config.json").mkdir()
    for other in ("empty", ".hidden", "with my files"):
        (tmp_path / other).mkdir()
    (tmp_path / "with my files" / "thesis.txt").write_text("mine")
    (tmp_path / ".hidden" / "events.jsonl").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    assert [run.name for run in list_runs(tmp_path)] == ["run-1"]
    assert [run.name for run in list_ruins(tmp_path)] == ["run-2", "run-3"]
    assert not summary_of(list_ruins(tmp_path)[0]).config


def test_a_frozen_run_has_a_validation_loss_and_no_epoch(tmp_path: Path, shared_data_folder: Path) -> None:
    summary = summary_of(write_run(tmp_path / "run", shared_data_folder, recipe="frozen"))
    assert summary.best == (0.52, None)
    assert summary.epochs.empty
    assert summary.problem == ""
