"""Pool the folds of a cross-validation: each trial counts once, with its predictions as a test trial.

If the cross-validation is repeated, a trial is a test trial once per seed. Its probability is then the mean of these
predictions, and it is predicted to be a success if that reaches the mean of the thresholds of their folds. With one
seed, this is the prediction of its fold. No threshold depends on a test trial.

For another target, the probabilities of the classes or the predicted numbers are averaged.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from socal_core.dataset.targets import Target
from socal_core.errors import RunError
from socal_core.evaluation.controls import pooled_controls
from socal_core.evaluation.metrics import auroc
from socal_core.evaluation.target_controls import pooled_target_controls
from socal_core.evaluation.target_metrics import scores_of, scores_of_test_trials, with_outputs
from socal_core.evaluation.trial_scores import metrics_of_test_trials
from socal_core.runs.cross_validation import Fold, folds_of
from socal_core.runs.files.metrics_file import AnyMetrics, is_of_success
from socal_core.runs.files.metrics_record import CrossValidationScores, FoldScores, SeedScores, Spread, Tested
from socal_core.runs.files.predictions import probability_columns
from socal_core.runs.files.target_metrics_record import TargetCrossValidationScores, TargetFoldScores, TargetSeedScores
from socal_core.runs.folder import RunFolder


@dataclass(frozen=True)
class _Result:
    """The results of a fold."""

    fold: Fold
    metrics: AnyMetrics
    tested: pd.DataFrame
    """Its predictions of the test trials, with the columns `fold`, `seed` and, for success, `threshold`."""


def finish_cross_validation(run: RunFolder) -> tuple[pd.DataFrame, AnyMetrics]:
    """Pool the test predictions of all folds, evaluate them, and write predictions.csv and then metrics.json.

    Args:
        run: The cross-validation, whose folds are all evaluated.

    Returns:
        The predictions, in which all trials are test trials, and the metrics.

    Raises:
        RunError: A fold is not evaluated, or the data changed between the folds.
    """
    target = _target_of(run)
    results = [_result(run, fold, target) for fold in folds_of(run)]
    tested = pd.concat([result.tested for result in results], ignore_index=True)
    folds = [result.metrics for result in results]
    of_success = [metrics for metrics in folds if is_of_success(metrics)]
    metrics: AnyMetrics
    if target.is_success:
        predictions = pool(run, tested)
        metrics = {
            **metrics_of_test_trials(predictions),
            **_what_was_tested(run, results),
            "threshold": float(np.mean([metrics["threshold"] for metrics in of_success])),
            "controls": pooled_controls(predictions, of_success),
            "cross_validation": _scores(results),
        }
    else:
        others = [metrics for metrics in folds if not is_of_success(metrics)]
        predictions = pool_target(run, tested, target)
        metrics = {
            **scores_of_test_trials(predictions, target),
            **_what_was_tested(run, results),
            "controls": pooled_target_controls(predictions, others, target),
            "cross_validation": _target_scores(results, target),
            "unknown": others[0]["unknown"],
        }
        run.write_target(target)
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
    _check(run, tested)
    pooled = (
        tested.groupby("trial_id", sort=True)
        .agg(
            participant_id=("participant_id", "first"),
            label=("label", "first"),
            prob_success=("prob_success", "mean"),
            threshold=("threshold", "mean"),
        )
        .reset_index()
    )
    predicted = (pooled["prob_success"] >= pooled["threshold"]).astype(int)
    return pooled.assign(split="test", predicted=predicted).drop(columns="threshold")


def pool_target(run: RunFolder, tested: pd.DataFrame, target: Target) -> pd.DataFrame:
    """Pool the predictions of another target than success: the mean probabilities, or the mean of the numbers.

    Args:
        run: The cross-validation, for messages.
        tested: The columns `prediction_columns` (runs/files/predictions.py), `fold` and `seed`.
        target: What is predicted.

    Returns:
        One row per trial, sorted, with the columns `prediction_columns`.

    Raises:
        RunError: As in `pool`.
    """
    _check(run, tested)
    groups = tested.groupby("trial_id", sort=True)
    columns = ["predicted"] if target.is_number else probability_columns(target)
    pooled = groups[["participant_id", "label"]].first().reset_index().assign(split="test")
    return with_outputs(pooled, groups[columns].mean().to_numpy(float), target)


def _check(run: RunFolder, tested: pd.DataFrame) -> None:
    """Check that the folds divide the trials, which have the same outcome in all of them."""
    doubled = tested[tested.duplicated(["seed", "trial_id"])]
    if len(doubled):
        trial = doubled["trial_id"].iloc[0]
        folds = " and ".join(map(str, tested.loc[tested["trial_id"] == trial, "fold"]))
        raise _changed(run, f"trial {trial} is in the test subsets of folds {folds}")
    outcomes = tested.groupby("trial_id")["label"].nunique()
    if (outcomes > 1).any():
        raise _changed(run, f"the outcome of trial {outcomes.idxmax()} differs between folds")


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


def _target_of(run: RunFolder) -> Target:
    """Return what the folds predict; each fold has its own mean and standard deviation, the cross-validation none."""
    targets = [replace(fold.run.read_target(), mean=0.0, scale=1.0) for fold in folds_of(run)]
    if len(set(targets)) > 1:
        raise _changed(run, f"the target {targets[0].column} differs between folds")
    return targets[0]


def _result(run: RunFolder, fold: Fold, target: Target) -> _Result:
    predictions, metrics = fold.run.read_predictions(), fold.run.read_metrics()
    if predictions is None or metrics is None:
        raise RunError(
            f"Fold {fold.run.name} of {run.name} has no results yet, so there are none of the cross-validation. Resume "
            "it."
        )
    if is_of_success(metrics) is not target.is_success:
        raise _changed(run, f"the scores of {fold.run.name} are of another target than {target.column}")
    tested = predictions[predictions["split"] == "test"].assign(fold=fold.number, seed=fold.seed)
    if is_of_success(metrics):
        tested["threshold"] = metrics["threshold"]
    return _Result(fold, metrics, tested)


def _what_was_tested(run: RunFolder, results: Sequence[_Result]) -> Tested:
    folds = [result.metrics for result in results]
    left_out = {row["trial_id"]: row for metrics in folds for row in metrics["left_out"]}
    fingerprints = {metrics.get("data_fingerprint", "") for metrics in folds}
    return {
        "task": folds[0]["task"],
        "share_ending_inside": folds[0]["share_ending_inside"],
        "window": folds[0]["window"],
        "data_fingerprint": fingerprints.pop() if len(fingerprints) == 1 else "",
        "model": {"recipe": run.read_config().model.recipe.value, "text": _describe(results)},
        "epoch": 0,
        "validation_trials": sum(metrics["validation_trials"] for metrics in folds),
        "left_out": list(left_out.values()),
        "stand_ins": list(dict.fromkeys(text for metrics in folds for text in metrics["stand_ins"])),
    }


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
        if is_of_success(result.metrics)
    ]
    seeds = [_of_seed(seed, rows) for seed, rows in _by_seed(results)]
    over_folds, over_seeds = _spreads(_both_scores(folds)), _spreads(_both_scores(seeds))
    return {"folds": folds, "seeds": seeds, "over_folds": over_folds, "over_seeds": over_seeds}


def _both_scores(rows: Sequence[FoldScores] | Sequence[SeedScores]) -> list[dict[str, float | None]]:
    return [{"auroc": row["auroc"], "accuracy": row["accuracy"]} for row in rows]


def _target_scores(results: Sequence[_Result], target: Target) -> TargetCrossValidationScores:
    folds: list[TargetFoldScores] = [
        {
            "run": result.fold.run.name,
            "fold": result.fold.number,
            "seed": result.fold.seed,
            "n": result.metrics["n"],
            "surgeons": _surgeons(result.tested),
            "scores": result.metrics["scores"],
            "validation_trials": result.metrics["validation_trials"],
        }
        for result in results
        if not is_of_success(result.metrics)
    ]
    seeds: list[TargetSeedScores] = [
        {"seed": seed, "n": len(rows), "surgeons": _surgeons(rows), "scores": scores_of(rows, target)}
        for seed, rows in _by_seed(results)
    ]
    over_folds, over_seeds = (_spreads([row["scores"] for row in rows]) for rows in (folds, seeds))
    return {"folds": folds, "seeds": seeds, "over_folds": over_folds, "over_seeds": over_seeds}


def _by_seed(results: Sequence[_Result]) -> list[tuple[int, pd.DataFrame]]:
    """Return the predictions of the test trials of all folds with each seed."""
    tested = pd.concat([result.tested for result in results])
    return [(int(seed), tested[tested["seed"] == seed]) for seed in tested["seed"].unique()]


def _of_seed(seed: int, rows: pd.DataFrame) -> SeedScores:
    return {
        "seed": seed,
        "n": len(rows),
        "surgeons": _surgeons(rows),
        "auroc": auroc(rows["label"], rows["prob_success"]),
        "accuracy": float((rows["label"] == rows["predicted"]).mean()),
    }


def _spreads(rows: Sequence[Mapping[str, float | None]]) -> dict[str, Spread]:
    """Return the spread of each score over folds or seeds."""
    found = {name: spread(row.get(name) for row in rows) for name in rows[0]}
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
