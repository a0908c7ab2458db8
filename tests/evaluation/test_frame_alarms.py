"""socal_core.evaluation.frame_alarms"""

from dataclasses import asdict
from pathlib import Path

import pytest

from socal_core.dataset.frame_reports import FOOTAGE, TEXT, write_report
from socal_core.evaluation.alarm import Alarm, AlarmSeverity
from socal_core.evaluation.alarms import alarms_of
from socal_core.evaluation.frame_alarms import frame_alarms, unchecked
from socal_core.evaluation.frame_text import FrameText
from socal_core.evaluation.run_results import RunResults, read_results
from socal_core.evaluation.same_footage import SameFootage
from tests.made_runs import write_run

BOX = (10, 10, 60, 20)


@pytest.fixture
def results(tmp_path: Path, shared_data_folder: Path) -> RunResults:
    return read_results(write_run(tmp_path / "runs" / "run", shared_data_folder))


def trials_of(results: RunResults, subset: str) -> list[str]:
    table = results.predictions
    return list(table.loc[table["split"] == subset, "trial_id"])


def report_footage(results: RunResults, *pairs: tuple[str, str]) -> list[Alarm]:
    found = [asdict(SameFootage(first, second, 12, 3.0, 4.0, 0.0012)) for first, second in pairs]
    fingerprint = results.run.open_dataset().fingerprint
    write_report(fingerprint, FOOTAGE, {"pairs": found, "frames": 240, "unreadable": 0})
    return list(frame_alarms(results.run, results.predictions))


def report_text(results: RunResults, *texts: tuple[str, float, str]) -> list[Alarm]:
    rows = [asdict(FrameText(trial, second, text, BOX, 0.9)) for trial, second, text in texts]
    fingerprint = results.run.open_dataset().fingerprint
    write_report(fingerprint, TEXT, {"texts": rows, "trials": 20, "frames": 60, "unreadable": 0})
    return list(frame_alarms(results.run, results.predictions))


def test_what_was_not_checked_is_said(results: RunResults) -> None:
    assert list(frame_alarms(results.run, results.predictions)) == []
    assert "same footage" in unchecked(results.run) and "text is burnt into" in unchecked(results.run)
    assert report_footage(results) == []
    assert unchecked(results.run).startswith("Not checked yet: whether text is burnt into the frames. The Dataset page")
    assert report_text(results) == []
    assert unchecked(results.run) == ""


def test_footage_of_a_training_trial_in_the_test(results: RunResults) -> None:
    (train, other), test = trials_of(results, "train")[:2], trials_of(results, "test")[0]
    validation = trials_of(results, "validation")[0]
    assert report_footage(results, (train, other), (train, validation), ("S9T9", test)) == []
    (alarm,) = report_footage(results, (train, test), (test, validation))
    assert (alarm.key, alarm.severity) == ("same-footage", AlarmSeverity.SERIOUS)
    assert (
        f"{test} at 4 s and the training trial {train} at 3 s (distance 0.0012, 12 frames); "
        f"{test} at 3 s and the validation trial {validation} at 4 s"
    ) in alarm.text
    assert alarm in alarms_of(results)


def test_many_pairs_are_counted(results: RunResults) -> None:
    pairs = [(train, trials_of(results, "test")[0]) for train in trials_of(results, "train")[:5]]
    (alarm,) = report_footage(results, *pairs)
    assert alarm.text.count("training trial") == 3
    assert alarm.text.endswith(", and 2 more.")


def test_text_that_a_model_could_read(results: RunResults) -> None:
    first, second = trials_of(results, "test")[:2]
    seen = (first, 1.0, "KARL\nSTORZ")
    fixed = [(second, 1.0, "CLINIC A"), (second, 6.0, "CLINIC A")]
    clock = [(first, 6.0, "00:06"), (first, 12.0, "00:12")]
    for texts, key, severity, said in (
        ([seen], "text-in-frames", AlarmSeverity.NOTE, "at no place in two frames"),
        ([seen, *fixed], "text-in-frames", AlarmSeverity.CAUTION, f"1 of 20 trials, such as “CLINIC A” in {second} at"),
        ([seen, *fixed, *clock], "clock-in-frames", AlarmSeverity.SERIOUS, "such as “00:06”"),
    ):
        (alarm,) = report_text(results, *texts)
        assert (alarm.key, alarm.severity) == (key, severity)
        assert said in alarm.text
        assert "\n" not in alarm.text
    assert report_text(results, ("S9T9", 1.0, "00:01"), ("S9T9", 2.0, "00:02")) == [], "of no trial of the run"


def test_data_that_have_gone_raise_no_alarm(results: RunResults, tmp_path: Path) -> None:
    report_footage(results, (trials_of(results, "train")[0], trials_of(results, "test")[0]))
    results.run.config_file.write_text(results.run.config_file.read_text().replace("data", "gone"))
    assert list(frame_alarms(results.run, results.predictions)) == []
