"""Pool the folds of a cross-validation: each trial counts once, with its predictions as a test trial.

If the cross-validation is repeated, a trial is a test trial once per seed. Its probability is then the mean of these
predictions, and it is predicted to be a success if that reaches the mean of the thresholds of their folds. With one
seed, this is the prediction of its fold. No threshold depends on a test trial.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from socal_core.errors import RunError
from socal_core.evaluation.controls import pooled_controls
from socal_core.evaluation.metrics import auroc, metrics_of_test_trials
from socal_core.runs.cross_validation import Fold, folds_of
from socal_core.runs.files.metrics_record import (
    CrossValidationScores,
    FoldScores,
    Metrics,
    SeedScores,
    Spread,
    is_of_success,
)
from socal_core.runs.folder import RunFolder


@dataclass(frozen=True)
class _Result:
    """The results of a fold."""

    fold: Fold
    metrics: Metrics
    tested: pd.DataFrame
    """Its predictions of the test trials, with the columns `fold`, `seed` and `threshold`."""


def finish_cross_validation(run: RunFolder) -> tuple[pd.DataFrame, Metrics]:
    """Pool the test predictions of all folds, evaluate them, and write predictions.csv and then metrics.json.

    Args:
        run: The cross-validation, whose folds are all evaluated.

    Returns:
        The predictions, in which all trials are test trials, and the metrics.

    Raises:
        RunError: A fold is not evaluated, or the data changed between the folds.
    """
    results = [_result(run, fold) for fold in folds_of(run)]
    predictions = pool(run, pd.concat([result.tested for result in results], ignore_index=True))
    folds = [result.metrics for result in results]
    left_out = {row["trial_id"]: row for metrics in folds for row in metrics["left_out"]}
    metrics: Metrics = {
        **metrics_of_test_trials(predictions),
        "task": folds[0]["task"],
        "share_ending_inside": folds[0]["share_ending_inside"],
        "window": folds[0]["window"],
        "model": {"recipe": run.read_config().model.recipe.value, "text": _describe(results)},
        "epoch": 0,
        "threshold": float(np.mean([metrics["threshold"] for metrics in folds])),
        "validation_trials": sum(metrics["validation_trials"] for metrics in folds),
        "controls": pooled_controls(predictions, folds),
        "cross_validation": _scores(results),
        "left_out": list(left_out.values()),
        "stand_ins": list(dict.fromkeys(text for metrics in folds for text in metrics["stand_ins"])),
    }
    run.write_predictions(predictions)
    run.write_metrics(metrics)
    return predictions, metrics


def pool(run: RunFolder, tested: pd.DataFrame) -> pd.DataFrame:
    """Pool the predictions of test trials over the seeds.

    Args:
        run: The cross-validation, for messages.
        tested: The columns PREDICTION_COLUMNS (runs/folder.py), `fold`, `seed` and `threshold`.

    Returns:
        One row per trial, sorted, with the columns PREDICTION_COLUMNS.

    Raises:
        RunError: A trial is in the test subset of two folds with the same seed, or has two outcomes.
    """
    doubled = tested[tested.duplicated(["seed", "trial_id"])]
    if len(doubled):
        trial = doubled["trial_id"].iloc[0]
        folds = " and ".join(map(str, tested.loc[tested["trial_id"] == trial, "fold"]))
        raise _changed(run, f"trial {trial} is in the test subsets of folds {folds}")
    groups = tested.groupby("trial_id", sort=True)
    outcomes = groups["label"].nunique()
    if (outcomes > 1).any():
        raise _changed(run, f"the outcome of trial {outcomes.idxmax()} differs between folds")
    pooled = groups.agg(
        participant_id=("participant_id", "first"),
        label=("label", "first"),
        prob_success=("prob_success", "mean"),
        threshold=("threshold", "mean"),
    ).reset_index()
    predicted = (pooled["prob_success"] >= pooled["threshold"]).astype(int)
    return pooled.assign(split="test", predicted=predicted).drop(columns="threshold")


def spread(values: Iterable[float | None]) -> Spread | None:
    """Describe how values differ, without those that are None; None for fewer than two."""
    found = np.array([value for value in values if value is not None])
    if len(found) < 2:
        return None
    return {
        "count": len(found),
        "mean": float(found.mean()),
        "standard_deviation": float(found.std(ddof=1)),
        "lowest": float(found.min()),
        "highest": float(found.max()),
    }


def _result(run: RunFolder, fold: Fold) -> _Result:
    predictions, metrics = fold.run.read_predictions(), fold.run.read_metrics()
    if predictions is None or metrics is None or not is_of_success(metrics):
        raise RunError(
            f"Fold {fold.run.name} of {run.name} has no results yet, so there are none of the cross-validation. Resume "
            "it."
        )
    tested = predictions[predictions["split"] == "test"]
    return _Result(fold, metrics, tested.assign(fold=fold.number, seed=fold.seed, threshold=metrics["threshold"]))


def _scores(results: Sequence[_Result]) -> CrossValidationScores:
    folds: list[FoldScores] = [
        {
            "run": result.fold.run.name,
            "fold": result.fold.number,
            "seed": result.fold.seed,
            "n": result.metrics["n"],
            "surgeons": _surgeons(result.tested),
            "auroc": result.metrics["auroc"],
            "accuracy": result.metrics["accuracy"],
            "threshold": result.metrics["threshold"],
            "validation_trials": result.metrics["validation_trials"],
        }
        for result in results
    ]
    tested = pd.concat([result.tested for result in results])
    seeds = [_of_seed(seed, tested[tested["seed"] == seed]) for seed in tested["seed"].unique()]
    return {"folds": folds, "seeds": seeds, "over_folds": _spreads(folds), "over_seeds": _spreads(seeds)}


def _of_seed(seed: int, rows: pd.DataFrame) -> SeedScores:
    return {
        "seed": int(seed),
        "n": len(rows),
        "surgeons": _surgeons(rows),
        "auroc": auroc(rows["label"], rows["prob_success"]),
        "accuracy": float((rows["label"] == rows["predicted"]).mean()),
    }


def _spreads(rows: Sequence[FoldScores] | Sequence[SeedScores]) -> dict[str, Spread]:
    found = {"auroc": spread(row["auroc"] for row in rows), "accuracy": spread(row["accuracy"] for row in rows)}
    return {name: values for name, values in found.items() if values is not None}


def _surgeons(tested: pd.DataFrame) -> int:
    return int(tested["participant_id"].nunique())


def _describe(results: Sequence[_Result]) -> str:
    folds, seeds = ({getattr(result.fold, name) for result in results} for name in ("number", "seed"))
    repeated = f", repeated with {len(seeds)} seeds" if len(seeds) > 1 else ""
    return f"cross-validation with {len(folds)} folds by surgeon{repeated}: one model per fold"


def _changed(run: RunFolder, what: str) -> RunError:
    return RunError(
        f"Run {run.name}: {what}. The data or a fold was changed since the start. Start a new cross-validation."
    )
