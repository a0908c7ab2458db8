"""Predict what a user names: trials of a data set, or new material in files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.material import open_material
from socal_core.errors import DataError, SocalError
from socal_core.evaluation.predict_trials import Decision, Progress, decision_of, predict_loaded
from socal_core.evaluation.predictors import LoadedModel
from socal_core.evaluation.trained_model import trained_model
from socal_core.runs.cross_validation import check_is_single
from socal_core.runs.folder import RunFolder
from socal_core.splits import Split
from socal_core.workspace import temporary_cache

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Forecaster:
    """A trained model that is ready to predict."""

    model: LoadedModel
    decision: Decision
    split: Split | None = None
    """The split of the run that trained it, if it is known."""

    def predict_trial(self, dataset: Dataset, trial_id: str, progress: Progress | None = None) -> dict[str, Any]:
        """Predict a trial of the data set of the run.

        Returns:
            What `predict_loaded` does, with `source` (the trial) and `subset` (`train`, `validation` or `test`, None
            if the trial is in no subset).

        Raises:
            DataError: The trial does not exist or has no clip.
        """
        dataset.frames_of(trial_id)  # raises the error for a trial that does not exist
        rows, left_out = predict_loaded(self.model, self.decision, dataset, [trial_id], progress)
        if left_out:
            raise DataError(left_out[trial_id])
        return {"source": trial_id, **rows[0], "subset": subset_of(self.split, trial_id)}

    def predict_material(
        self, dataset: Dataset, source: str, progress: Progress | None = None
    ) -> tuple[Rows, list[str]]:
        """Predict all trials of new material; nothing that is computed from its frames is kept.

        Args:
            dataset: The material.
            source: What the user calls it.
            progress: Called with the current stage, the amount of work done and the total; may raise.

        Returns:
            One dictionary per trial, as from `predict_trial`; `subset` is None, and `same_id` is the subset of the
            trial of the run that has the same id, if there is one. And why other trials have no prediction.

        Raises:
            DataError: No trial has a prediction.
        """
        trial_ids = [str(trial) for trial in dataset.trials.index[dataset.trials["n_frames"] > 0]]
        with temporary_cache():
            rows, left_out = predict_loaded(self.model, self.decision, dataset, trial_ids, progress)
        if not rows:
            raise DataError(" ".join(left_out.values()))
        known = [{"subset": None, "same_id": subset_of(self.split, row["trial_id"])} for row in rows]
        return [{"source": source, **row, **about} for row, about in zip(rows, known, strict=True)], [
            *left_out.values()
        ]


def forecaster_of(run: RunFolder) -> Forecaster:
    """Load the best checkpoint of a run.

    Args:
        run: A run; one that predicts success has been evaluated, so that it has a threshold.

    Raises:
        RunError: The run has no threshold, no split or no checkpoint, or is a cross-validation.
        ModelError: A file of the model is missing or damaged.
    """
    check_is_single(run)
    return Forecaster(LoadedModel(trained_model(run)), decision_of(run), run.read_split())


def subset_of(split: Split | None, trial_id: str) -> str | None:
    """Return the subset of a trial in a split, None if it is in none."""
    if split is None:
        return None
    subsets = {"train": split.train, "validation": split.validation, "test": split.test}
    return next((name for name, trials in subsets.items() if trial_id in trials), None)


def material_named(source: str, split: Split | None) -> Path | None:
    """Return the path of new material that a user names; None for a trial.

    The trials of a run come first; `./NAME` names a folder that is called like one of them.
    """
    if "/" in source:
        return Path(source)
    return Path(source) if subset_of(split, source) is None and Path(source).exists() else None


def predict_sources(
    forecaster: Forecaster,
    sources: Sequence[str],
    open_data: Callable[[], Dataset],
    progress: Progress | None = None,
) -> tuple[Rows, list[SocalError]]:
    """Predict trials and new material, and go on after a source that cannot be predicted.

    Args:
        forecaster: The model.
        sources: Ids of trials, folders and videos.
        open_data: Opens the data set that has the trials, which is not opened if none is asked for.
        progress: Called with the current stage, the amount of work done and the total; may raise.

    Returns:
        The predictions in the order of the sources, as from `Forecaster`, and the errors.
    """
    rows: Rows = []
    errors: list[SocalError] = []
    data = cache(open_data)
    for source in sources:
        path = material_named(source, forecaster.split)
        try:
            if path is None:
                rows.append(forecaster.predict_trial(data(), source, progress))
                continue
            found, missing = forecaster.predict_material(open_material(path), source, progress)
            rows += found
            errors += [DataError(reason) for reason in missing]
        except SocalError as error:
            errors.append(error)
    return rows, errors
