"""Surgeon ids without their leading zeros stay one surgeon."""

from pathlib import Path

import pytest

from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from tests.dataset.editing import found, put, write_frame


def opened(tmp_path: Path, outcomes: str, demographics: str = "") -> Dataset:
    """Two trials whose ids are in the rows of outcomes."""
    for row in outcomes.splitlines():
        write_frame(tmp_path, f"{row.split(',')[0]}_frame_00000001.jpeg")
    put(tmp_path, {layout.OUTCOMES_FILE: f"trial_id,participant_id,success\n{outcomes}"})
    if demographics:
        put(tmp_path, {layout.DEMOGRAPHICS_FILE: f"participant_id,cohort,specialty,training_status\n{demographics}"})
    return open_dataset(tmp_path)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("surgeon", ["7", "007", "07", "7.0"])
@pytest.mark.parametrize("other", ["", "7", "007"])
@pytest.mark.parametrize("row", ["007", "7"])
def test_one_surgeon_and_the_cohort(tmp_path: Path, surgeon: str, other: str, row: str) -> None:
    data = opened(tmp_path, f"S007T1,{surgeon},1\nS007T2,{other},0\n", f"{row},2019 A,ENT,Attending\n")
    assert data.trials["participant_id"].tolist() == ["007", "007"]
    assert data.trials["cohort"].tolist() == ["2019 A", "2019 A"]
    lost = [given for given in (surgeon, other) if given not in ("007", "")]
    assert len(found(data, "lost-zeros")) == len(lost)
    assert len(found(data, "lost-zeros-of-surgeon")) == (row == "7")
    assert not found(data, "participant-contradicts-trial")


def test_other_surgeons_still_contradict_the_trial(tmp_path: Path) -> None:
    data = opened(tmp_path, "S007T1,8,1\nS007T2,7,0\n")
    assert data.trials["participant_id"].to_dict() == {"S007T1": "8", "S007T2": "007"}
    assert len(found(data, "participant-contradicts-trial")) == 1


def test_what_trial_ids_leave_open_stays_together(tmp_path: Path) -> None:
    data = opened(tmp_path, "S007T1,,1\nS7T2,,0\nS70T1,,0\n")
    assert data.trials["participant_id"].to_dict() == {"S007T1": "007", "S7T2": "007", "S70T1": "70"}
    (problem,) = found(data, "ambiguous-surgeon")
    assert problem.parameters == {"spellings": "007, 7", "surgeon": "007"}


def test_demographics_that_differ_are_not_used(tmp_path: Path) -> None:
    data = opened(tmp_path, "S007T1,,1\nS70T1,,0\n", "007,A,ENT,x\n7,B,ENT,x\n70,C,ENT,x\n")
    assert data.trials["cohort"].fillna("").to_dict() == {"S007T1": "", "S70T1": "C"}
    (problem,) = found(data, "ambiguous-demographics")
    assert problem.parameters == {"spellings": "007, 7", "surgeon": "007"}
