"""socal_core.runs.progress: times and measurements of a run; tests/runs/test_events.py covers its stage."""

import pytest

from socal_core.runs.progress import RunProgress, machine_use, progress_of


def step(number: int, epoch: int = 1, time: float = 0.0, **more: object) -> dict[str, object]:
    values = {"epoch": epoch, "epochs": 10, "step": number, "steps": 4, "loss": 0.5, "learning_rate": 1e-3}
    return {"type": "step", "time": time, **values, **more}


def epoch(number: int, seconds: float = 8.0, **more: object) -> dict[str, object]:
    return {"type": "epoch", "epoch": number, "epochs": 10, "seconds": seconds, "learning_rate": 1e-3, **more}


STARTED = {"type": "started", "epoch": 0}


def test_before_the_first_step_nothing_is_known() -> None:
    progress = progress_of([STARTED, {"type": "stage", "stage": "Reading clips", "done": 1, "total": 4}])
    assert (progress.epoch, progress.epochs, progress.learning_rate, progress.clips_per_second) == (None,) * 4


def test_the_first_epoch_is_timed_by_its_steps() -> None:
    events = [STARTED, step(1, time=100), step(2, time=102), step(3, time=104)]
    assert progress_of(events).seconds_left == pytest.approx(2 * 4 * (10 - 0.75))
    assert progress_of(events[:2]).seconds_left is None


def test_the_time_between_two_steps_is_unknown_if_the_clock_was_set_back_between_them() -> None:
    events = [STARTED, step(1, time=7200), step(2, time=7202), step(3, time=3604)]
    assert progress_of(events).seconds_left == pytest.approx(2 * 4 * (10 - 0.75))
    assert progress_of([STARTED, step(1, time=7200), step(2, time=3602)]).seconds_left is None


def test_a_pause_before_a_resume_is_not_counted() -> None:
    events = [STARTED, step(1, time=100), step(2, time=102), {"type": "started", "epoch": 0, "step": 2}]
    assert progress_of([*events, step(3, time=9000)]).seconds_left is None
    assert progress_of([*events, step(3, time=9000), step(4, time=9001)]).seconds_left == pytest.approx(4 * 9)


def test_the_remaining_time_comes_from_epochs_once_there_is_one() -> None:
    events = [*(epoch(number, seconds) for number, seconds in enumerate([90, 1, 2, 3, 4, 5], start=1))]
    assert progress_of(events).seconds_left == pytest.approx(3 * 4), "the last five"


def test_the_numbers_are_the_last_ones_that_were_measured() -> None:
    events = [
        epoch(1, clips_per_second=12.5, data_wait=0.1),
        epoch(2, clips_per_second=None),
        step(1, 3, learning_rate=5e-4),
    ]
    progress = progress_of(events)
    assert (progress.epoch, progress.epochs, progress.learning_rate) == (3, 10, 5e-4)
    assert (progress.clips_per_second, progress.data_wait) == (12.5, 0.1)


def test_after_training_its_numbers_stay() -> None:
    progress = progress_of([step(4), epoch(1), {"type": "stage", "stage": "Testing", "done": 0, "total": 1}])
    assert (progress.text, progress.epoch, progress.seconds_left) == ("Testing", 1, None)


def test_the_machine_use_is_the_last_one_measured() -> None:
    assert machine_use([STARTED]) is None
    unknown = dict.fromkeys(("memory_total_mb", "gpu_percent", "gpu_memory_mb", "gpu_memory_total_mb"))
    events = [{"type": "machine", "cpu_percent": percent, "memory_mb": 900.0, **unknown} for percent in (10.0, 20.0)]
    machine = machine_use([*events, step(1)])
    assert machine is not None
    assert (machine.cpu_percent, machine.memory_mb, machine.memory_total_mb, machine.gpu_percent) == (
        20,
        900,
        None,
        None,
    )


def test_an_inner_fold_of_a_frozen_run_is_progress() -> None:
    events = [{"type": "stage", "stage": "Fitting the head", "done": 0, "total": 1}]
    events.append({"type": "fold", "fold": 2, "folds": 5})
    found = progress_of(events)
    assert found == RunProgress("Choosing encoders and statistics: inner fold 2 of 5 done", 0.4, None)
