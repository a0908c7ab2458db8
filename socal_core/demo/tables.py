"""The rows of the CSV files of a demo, and the faults that it contains on purpose."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from socal_core.dataset import layout
from socal_core.demo.scene import Box
from socal_core.demo.simulate import Stream, Trial

Row = list[object]

README, README_TITLE = "README.txt", "SOCAL demo data set"
MISSING = "NA"
SPLIT_TRIAL, TRIAL_WITHOUT_OUTCOME, BROKEN_TRIAL = 2, 5, 6
"""Indices in the list of trials; the smallest demo contains all of them."""
MISSING_BLOOD_LOSS = 7
"""Index, among each ten trials, of the trial without a known blood loss."""
DEMOGRAPHIC_COLUMNS = (
    "participant_id",
    "cohort",
    "specialty",
    "training_status",
    "total_years_experience",
    "years_as_attending",
    "general_confidence_pre",
    "carotid_confidence_pre",
)


@dataclass(frozen=True)
class Faults:
    """The faults of a demo, one of each kind, by trial or frame."""

    split_trial: str
    trial_without_outcome: str
    outcome_without_video: str
    broken_frame: str

    @classmethod
    def of(cls, trials: list[Trial]) -> "Faults":
        """Choose the faults of a demo with these trials."""
        broken = trials[BROKEN_TRIAL]
        return cls(
            split_trial=trials[SPLIT_TRIAL].trial_id,
            trial_without_outcome=trials[TRIAL_WITHOUT_OUTCOME].trial_id,
            outcome_without_video=f"S{_absent_participant(trials)}T1",
            broken_frame=f"{broken.trial_id}_frame_{broken.frames // 2:08d}.jpeg",
        )


def frame_names(trial: Trial, split: bool) -> list[str]:
    """Return the file names in temporal order. If `split`, the second half is video b, numbered from 1 again."""
    if not split:
        return [f"{trial.trial_id}_frame_{number:08d}.jpeg" for number in range(1, trial.frames + 1)]
    first = trial.frames // 2
    numbers = [("a", number) for number in range(1, first + 1)]
    numbers += [("b", number) for number in range(1, trial.frames - first + 1)]
    return [f"{trial.trial_id}{video}_frame_{number:08d}.jpeg" for video, number in numbers]


def box_rows(names: list[str], boxes: list[list[Box]]) -> list[Row]:
    """Build the rows of the boxes file. A frame without a tool has one row with empty fields."""
    rows: list[Row] = []
    for name, found in zip(names, boxes, strict=True):
        rows += [[name, box.x1, box.y1, box.x2, box.y2, box.label] for box in found] or [[name, "", "", "", "", ""]]
    return rows


def track_rows(names: list[str], boxes: list[list[Box]]) -> list[Row]:
    """Build the rows of the boxes with their track ids. A tool that returns to the view gets a new track."""
    rows: list[Row] = []
    current: dict[str, int] = {}
    started = 0
    for name, found in zip(names, boxes, strict=True):
        before, current = current, {}
        for box in found:
            if box.actor not in before:
                started += 1
            current[box.actor] = before.get(box.actor, started)
            rows.append([name, box.x1, box.y1, box.x2, box.y2, box.label, current[box.actor]])
    return rows


def outcome_rows(trials: list[Trial], faults: Faults) -> list[Row]:
    """Build the rows of the outcomes file, with the columns of layout.OUTCOME_COLUMNS."""
    rows = [
        _outcome_row(trial, missing_blood_loss=index % 10 == MISSING_BLOOD_LOSS)
        for index, trial in enumerate(trials)
        if trial.trial_id != faults.trial_without_outcome
    ]
    absent = _absent_participant(trials)
    rows.append([faults.outcome_without_video, absent, 24, 1, 63, 1, 78, 1, 340, MISSING, MISSING])
    return rows


def demographic_rows(trials: list[Trial]) -> list[Row]:
    """Build one row per surgeon with the columns of DEMOGRAPHIC_COLUMNS. Many values are missing."""
    rows = []
    for trial in trials[::2]:
        rng = trial.rng(Stream.PERSON)
        attending = trial.shown + rng.normal(0, 1) > 0
        years = int(rng.integers(7, 31) if attending else rng.integers(1, 8))
        values: Row = [
            f"Course {'ABC'[rng.integers(3)]}",
            "Neurosurgery" if rng.uniform() < 0.75 else "Otolaryngology",
            "Attending" if attending else "Trainee",
            years,
            max(years - 7, 0),
            int(rng.integers(1, 6)),
            int(rng.integers(1, 6)),
        ]
        known = rng.uniform(size=len(values)) > np.array([0.0, 0.05, 0.05, 0.2, 0.3, 0.3, 0.3])
        rows.append([trial.participant_id, *(v if k else MISSING for v, k in zip(values, known, strict=True))])
    rows.append([_absent_participant(trials), "Course A", "Neurosurgery", "Attending", 12, 5, MISSING, MISSING])
    return rows


def is_demo(folder: Path) -> bool:
    """Return whether a data folder is a synthetic data set, by the title of its readme."""
    try:
        with (folder / README).open(encoding="utf-8", errors="replace") as file:
            return file.readline().strip() == README_TITLE
    except OSError:
        return False


def readme_text(trials: list[Trial], faults: Faults, seed: int) -> str:
    """Describe the folder and its faults."""
    surgeons = len(trials) // 2
    return f"""{README_TITLE}
===================
Synthetic: every frame is drawn by code, no patient, surgeon or recording stands behind it.
Free to use for any purpose (CC0 1.0, no rights reserved).

Surgeons: {surgeons}. Trials: {len(trials)}. Frames: {sum(trial.frames for trial in trials)}. Seed: {seed}.
The files have the layout of the published SOCAL data. {layout.TRACKS_FILE} adds the true track of every box.
The limit of a trial is 120 s. Some outcomes follow from nothing that can be seen.

Wrong on purpose
- {faults.split_trial}: recorded in two videos, a and b, joined by {layout.MAPPING_FILE}.
- {faults.trial_without_outcome}: frames, but no row in {layout.OUTCOMES_FILE}.
- {faults.outcome_without_video}: a row in {layout.OUTCOMES_FILE}, but no frames.
- {faults.broken_frame}: a JPEG that ends half-way.
- Frames without a tool in view: one row with empty fields in {layout.BOXES_FILE}.
- Some values are missing ({MISSING}), among them blood_loss of every tenth trial.
"""


def _absent_participant(trials: list[Trial]) -> str:
    """Return the id of the surgeon of whom only an outcome is known."""
    return str(101 + len(trials) // 2)


def _outcome_row(trial: Trial, missing_blood_loss: bool) -> Row:
    return [
        trial.trial_id,
        trial.participant_id,
        *_placed(trial.cottonoid, trial.cottonoid_success),
        *_placed(trial.muscle, trial.success),
        round(trial.tth),
        int(trial.success),
        MISSING if missing_blood_loss else round(trial.blood_loss),
        trial.width,
        trial.height,
    ]


def _placed(second: float | None, held: bool) -> Row:
    """Return when a patch was placed, and whether it worked."""
    return [MISSING, MISSING] if second is None else [round(second), int(held)]
