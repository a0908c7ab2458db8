"""Subgroups: accuracy and AUROC of the test trials by trial number, training status, cohort, resolution and length.

Subgroups are small, so their scores differ by chance. Overlapping intervals show no difference between them.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from socal_core.dataset.filters import UNKNOWN, frame_sizes
from socal_core.evaluation.intervals import Estimate
from socal_core.evaluation.trial_scores import estimates_of, known_surgeons

FEWEST_TRIALS, FEWEST_SURGEONS = 10, 5
"""A group with fewer is too small to say anything about."""
TRIALS_FOR_TERCILES = 30
"""With fewer test trials, they are divided by length into halves instead of terciles."""

GROUPINGS = {
    "trial_number": "Trial",
    "training_status": "Training status",
    "cohort": "Cohort",
    "resolution": "Resolution",
    "length": "Length",
}
"""What trials are grouped by, with names for the user."""


@dataclass(frozen=True)
class Subgroup:
    """The scores of a group of test trials."""

    grouping: str
    """A key of GROUPINGS."""
    name: str
    trials: int
    surgeons: int
    """Number of known surgeons."""
    successes: int
    accuracy: Estimate
    auroc: Estimate

    @property
    def too_small(self) -> bool:
        """Whether the group has fewer than ten trials or five surgeons."""
        return self.trials < FEWEST_TRIALS or self.surgeons < FEWEST_SURGEONS


@dataclass(frozen=True)
class SubgroupReport:
    """The subgroups of the test trials of a run."""

    overall: Subgroup
    """All test trials; its grouping is ""."""
    groups: tuple[Subgroup, ...]
    missing: dict[str, str]
    """For each grouping without groups, the reason."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as values for JSON."""

        def row(group: Subgroup) -> dict[str, Any]:
            return {**asdict(group), "too_small": group.too_small}

        return {"overall": row(self.overall), "groups": [row(group) for group in self.groups], "missing": self.missing}


def subgroups(predictions: pd.DataFrame, trials: pd.DataFrame) -> SubgroupReport:
    """Compute the scores of the test trials by subgroup.

    Args:
        predictions: The predictions of a run (runs/files/predictions.py).
        trials: The trials of its data set. A test trial that it lacks is in the group `Unknown` of each grouping.
    """
    test = predictions[predictions["split"] == "test"]
    facts = trials.reindex(test["trial_id"])
    found, missing = [], {}
    for grouping, title in GROUPINGS.items():
        names = group_names(facts, grouping)
        if (names == UNKNOWN).all():
            missing[grouping] = f"{title} is unknown for all test trials."
            continue
        order = [name for name in names.cat.categories if (names == name).any()]
        found += [_subgroup(grouping, name, test[(names == name).to_numpy()]) for name in order]
    return SubgroupReport(_subgroup("", "All test trials", test), tuple(found), missing)


def group_names(facts: pd.DataFrame, grouping: str) -> pd.Series:
    """Return the group of each trial, as an ordered category with `Unknown` last.

    Args:
        facts: The rows of the trials in the table of trials (dataset/schema.py); NA where a trial is not in it.
        grouping: A key of GROUPINGS.
    """
    if grouping == "length":
        names, order = _by_length(facts["n_frames"])
    elif grouping == "resolution":
        sizes = pd.Series(frame_sizes(facts), facts.index, "object")
        names = sizes.map(lambda size: f"{size[0]}x{size[1]}", na_action="ignore")
        order = [f"{width}x{height}" for width, height in sorted(set(sizes.dropna()))]
    else:
        values = facts[grouping]
        prefix = "Trial " if grouping == "trial_number" else ""
        names = values.map(lambda value: f"{prefix}{value}", na_action="ignore")
        order = [f"{prefix}{value}" for value in sorted(values.dropna().unique())]
    categories = [*(name for name in order if name != UNKNOWN), UNKNOWN]
    return names.astype("object").where(names.notna(), UNKNOWN).astype(pd.CategoricalDtype(categories, ordered=True))


def subgroups_text(report: SubgroupReport) -> str:
    """Format a report as a table of text, with remarks below it."""
    header = ("", "", "TRIALS", "SURGEONS", "SUCCESSES", "ACCURACY", "AUROC", "")
    lines = [header, *(_cells(group) for group in (report.overall, *report.groups))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    table = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    remarks = [f"Too small: fewer than {FEWEST_TRIALS} trials or {FEWEST_SURGEONS} surgeons."]
    return "\n".join([*table, *remarks, *report.missing.values()])


def _subgroup(grouping: str, name: str, rows: pd.DataFrame) -> Subgroup:
    scores = estimates_of(rows) if len(rows) else {}
    undefined = Estimate(None, None)
    return Subgroup(
        grouping=grouping,
        name=name,
        trials=len(rows),
        surgeons=known_surgeons(rows),
        successes=int(rows["label"].sum()),
        accuracy=scores.get("accuracy", undefined),
        auroc=scores.get("auroc", undefined),
    )


def _by_length(frames: pd.Series) -> tuple[pd.Series, list[str]]:
    """Divide trials by their number of frames into terciles or halves; trials of equal length are in the same part."""
    known = frames.dropna().astype("int64")
    parts = 3 if len(known) >= TRIALS_FOR_TERCILES else 2
    ranks = (rankdata(known, "min").astype(np.int64) - 1) * parts // max(1, len(known))
    names, order = pd.Series(pd.NA, frames.index, "object"), []
    for part in np.unique(ranks):
        inside = known[ranks == part]
        low, high = int(inside.min()), int(inside.max())
        order.append(f"{low} to {high} frames" if low < high else f"{low} frames")
        names[inside.index] = order[-1]
    return names, order


def _cells(group: Subgroup) -> tuple[str, ...]:
    counts = (str(group.trials), str(group.surgeons), str(group.successes))
    scores = (_text(group.accuracy), _text(group.auroc))
    title = GROUPINGS.get(group.grouping, "")
    return (title, group.name, *counts, *scores, "too small" if group.too_small else "")


def _text(estimate: Estimate) -> str:
    if estimate.value is None:
        return "not defined"
    interval = estimate.interval
    return f"{estimate.value:.2f}" + (f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else "")
