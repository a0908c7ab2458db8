"""socal_core.runs.events and progress"""

from pathlib import Path

import pytest

from socal_core.runs.events import (
    EventLog,
    epochs_table,
    folds_table,
    head_of,
    line_of,
    notices,
    read_events,
    steps_table,
)
from socal_core.runs.progress import progress_of

EPOCH = {"epochs": 4, "train_loss": 0.6, "val_loss": 0.5, "val_accuracy": 0.8, "val_auroc": None, "learning_rate": 0.1}
CANDIDATE = {"encoders": ["image"], "statistics": ["mean"], "strength": 1.0, "loss": 0.5, "auroc": 0.7}
HEAD = {
    "encoders": ["image"],
    "table": [{**CANDIDATE, "member": True}, {**CANDIDATE, "member": False}],
    "loss": 0.5,
    "auroc": 0.7,
    "clips": 1,
    "seconds": 2.0,
    "val_loss": 0.4,
    "val_accuracy": 0.8,
    "val_auroc": None,
}


def step(log: EventLog, epoch: int, step: int) -> None:
    log.append("step", epoch=epoch, epochs=4, step=step, steps=2, loss=0.7, learning_rate=0.1)


def epoch(log: EventLog, number: int, **values: object) -> None:
    log.append("epoch", epoch=number, seconds=10.0, best=True, **{**EPOCH, **values})


def test_events_are_read_in_order(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append("started", epoch=0)
    step(log, 1, 1)
    epoch(log, 1)
    log.append("notice", message="Frame ä stands in.")
    log.append("notice", message="Frame ä stands in.")
    events = read_events(tmp_path / "events.jsonl")
    assert [event["type"] for event in events] == ["started", "step", "epoch", "notice", "notice"]
    assert epochs_table(events)["val_loss"].tolist() == [0.5]
    assert steps_table(events)["step"].tolist() == [1]
    assert notices(events) == ["Frame ä stands in."]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"type": "started", "epoch": 0}, "Training begins."),
        ({"type": "started", "epoch": 3}, "Training continues after epoch 3."),
        ({"type": "started", "epoch": 0, "step": 12}, "Training continues after step 12 of epoch 1."),
        ({"type": "stage", "stage": "Keeping frames", "done": 0, "total": 9}, "Keeping frames"),
        ({"type": "stage", "stage": "Keeping frames", "done": 5, "total": 9}, ""),
        ({"type": "step", "epoch": 1, "step": 2, "loss": 0.5}, ""),
        ({"type": "machine", "cpu_percent": 50.0}, ""),
        (
            {"type": "epoch", "epoch": 2, "best": True, **EPOCH},
            "Epoch 2: train loss 0.6000, validation loss 0.5000, accuracy 80.0%, the best so far",
        ),
        ({"type": "notice", "message": "Frame 7 stands in."}, "Frame 7 stands in."),
        ({"type": "ended", "state": "stopped", "reason": ""}, "The run is stopped."),
        ({"type": "ended", "state": "failed", "reason": "No room."}, "The run has failed."),
    ],
)
def test_events_as_lines_of_a_log(event: dict[str, object], line: str) -> None:
    assert line_of(event) == line


def test_no_file_means_no_events(tmp_path: Path) -> None:
    assert read_events(tmp_path / "none") == []
    assert epochs_table([]).empty


def test_an_incomplete_last_line_is_skipped_by_readers_and_ended_by_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    epoch(log, 1)
    whole = len(path.read_bytes())
    epoch(log, 2)
    content = path.read_bytes()
    for cut in range(whole, len(content)):
        path.write_bytes(content[:cut])
        assert epochs_table(read_events(path))["epoch"].tolist()[:1] == [1]
        EventLog(path).append("notice", message="after the cut")
        events = read_events(path)
        assert events[-1]["message"] == "after the cut"
        assert events[0]["epoch"] == 1


def test_events_that_a_resumed_run_repeats_count_once(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append("started", epoch=0)
    for number in (1, 2):
        step(log, number, 1)
        epoch(log, number, val_loss=9.0 if number == 2 else 0.5)
    step(log, 3, 1)
    log.append("started", epoch=1)
    step(log, 2, 1)
    epoch(log, 2, val_loss=0.4)
    events = read_events(tmp_path / "events.jsonl")
    assert epochs_table(events)["val_loss"].tolist() == [0.5, 0.4]
    assert steps_table(events)["epoch"].tolist() == [1, 2]


def test_each_event_is_passed_to_echo(tmp_path: Path) -> None:
    seen: list[str] = []
    EventLog(tmp_path / "e", lambda event: seen.append(event["type"])).append("notice", message="m")
    assert seen == ["notice"]


def test_progress_of_a_run(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "e")
    assert progress_of(read_events(tmp_path / "e")).fraction == 0
    log.append("stage", stage="Reading clips", done=5, total=20)
    progress = progress_of(read_events(tmp_path / "e"))
    assert (progress.text, progress.fraction, progress.seconds_left) == ("Reading clips", 0.25, None)
    step(log, 1, 1)
    assert progress_of(read_events(tmp_path / "e")).fraction == pytest.approx(0.125)
    epoch(log, 1)
    assert progress_of(read_events(tmp_path / "e")).seconds_left == pytest.approx(30)
    step(log, 2, 1)
    progress = progress_of(read_events(tmp_path / "e"))
    assert progress.fraction == pytest.approx(0.375)
    assert progress.seconds_left == pytest.approx(25)
    assert progress.data_wait is None, "an earlier version measured none"
    log.append("epoch", **{**read_events(tmp_path / "e")[-2], "epoch": 2, "data_wait": 0.25})
    assert progress_of(read_events(tmp_path / "e")).data_wait == 0.25


def test_a_frozen_run_that_starts_again_has_each_fold_once(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    for epoch in (0, 0, 1):  # killed while it fitted the head, then while it predicted
        log.append("started", epoch=epoch, step=0)
        for fold in (1, 2) if epoch == 0 else ():
            log.append("fold", fold=fold, folds=2, surgeons=3, trials=6, successes=3, loss=0.5, auroc=0.7)
        if epoch == 0:
            log.append("head", **HEAD)
    events = read_events(tmp_path / "events.jsonl")
    assert folds_table(events)["fold"].tolist() == [1, 2]
    head = head_of(events)
    assert head is not None
    assert [event["type"] for event in events].count("head") == 1
    assert line_of(head).startswith("Head on image features, 1 of 2 candidates: inner loss 0.5000")
