"""The parts of a run card about the data and the split."""

import hashlib
from itertools import combinations
from typing import Any

import pandas as pd

from socal_core.dataset.dataset import Dataset
from socal_core.demo.tables import is_demo
from socal_core.runs.cross_validation import folds_of
from socal_core.runs.folder import RunFolder
from socal_core.splits import SUBSETS, Split, warning_of

SURGEON = "participant_id"


def data_facts(dataset: Dataset) -> dict[str, Any]:
    """Describe a data set in values for JSON; `fingerprint` is that of the folder as it is now."""
    preset, trials = dataset.preset, dataset.trials[dataset.trials["n_frames"] > 0]
    return {
        "preset": preset.name,
        "title": preset.title,
        "description": preset.description.replace("*", ""),
        "success": preset.success,
        "synthetic": is_demo(dataset.root),
        "address": preset.address,
        "fingerprint": dataset.fingerprint,
        "trials": len(trials),
        "usable_trials": len(dataset.usable_trials),
        "surgeons": int(trials[SURGEON].nunique()),
        "frames": len(dataset.frames),
        "boxes": len(dataset.boxes),
        "box_format": dataset.box_format,
        "problems": len(dataset.problems),
    }


def split_facts(run: RunFolder, dataset: Dataset | None) -> dict[str, Any]:
    """Describe the split of a run, or the splits of all folds of a cross-validation, and count shared surgeons.

    Args:
        run: The run.
        dataset: Its data set; without it, surgeons and outcomes come from the predictions of the run.

    Returns:
        method, warning (None if there is none) and `splits`: for each, name, seed, SHA-256, the numbers of each subset
        and `surgeons_in_common` of each pair of subsets. None where the surgeons are not known.

    Raises:
        RunError: A file of the run is missing or damaged.
    """
    runs = [fold.run for fold in folds_of(run)] or [run]
    method = run.read_config().split.split_method
    classes = run.read_target().classes
    splits = [_split(part.read_split(), part.name, _surgeons(part, dataset), classes) for part in runs]
    return {"method": str(method), "warning": warning_of(method), "splits": splits}


def _surgeons(run: RunFolder, dataset: Dataset | None) -> pd.DataFrame | None:
    """Return surgeon and outcome of the trials of a run, by trial_id, if the data or the predictions have them all."""
    found = run.read_predictions() if dataset is None else _labelled(dataset)
    if found is None or not set(run.read_split().trial_ids) <= set(found["trial_id"]):
        return None
    return found.set_index("trial_id")[[SURGEON, "label"]]


def _labelled(dataset: Dataset) -> pd.DataFrame:
    trials = dataset.usable_trials
    columns = {"trial_id": trials.index, SURGEON: trials[SURGEON], "label": dataset.target_values}
    return pd.DataFrame(columns).reset_index(drop=True)


def _split(split: Split, name: str, trials: pd.DataFrame | None, classes: tuple[str, ...]) -> dict[str, Any]:
    subsets = {subset: list(getattr(split, subset)) for subset in SUBSETS}
    listed = "\n".join(f"{subset} {trial}" for subset, ids in subsets.items() for trial in ids)
    facts: dict[str, Any] = {
        "name": name,
        "seed": split.seed,
        "sha256": hashlib.sha256(listed.encode()).hexdigest(),
        "subsets": [{"subset": subset, "trials": len(ids)} for subset, ids in subsets.items()],
        "surgeons_in_common": None,
        "disjoint": None,
    }
    if trials is None:
        return facts
    surgeons = {subset: _names(trials.loc[ids]) for subset, ids in subsets.items()}
    for row in facts["subsets"]:
        labels = trials.loc[subsets[row["subset"]], "label"]
        row |= {"surgeons": len(surgeons[row["subset"]]), "outcomes": _outcomes(labels, classes)}
    common = {f"{a} and {b}": len(surgeons[a] & surgeons[b]) for a, b in combinations(SUBSETS, 2)}
    return {**facts, "surgeons_in_common": common, "disjoint": not any(common.values())}


def _names(trials: pd.DataFrame) -> set[str]:
    """Return the surgeons of trials; a trial of an unknown surgeon counts as one of its own."""
    named = trials[SURGEON].astype(str)
    return set(named.where(named != "", named.index.to_series()))


def _outcomes(labels: pd.Series, classes: tuple[str, ...]) -> dict[str, int] | None:
    """Count the trials of each class, given by its index or its name; None for a number."""
    if not classes:
        return None
    names = labels if labels.dtype == "str" else labels.astype(int).map(dict(enumerate(classes)))
    counts = names.value_counts()
    return {name: int(counts.get(name, 0)) for name in classes}
