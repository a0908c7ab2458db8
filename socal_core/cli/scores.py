"""The scores and the predictions of a run as text."""

from collections.abc import Mapping
from typing import Any, get_args

from socal_core.evaluation.controls import comparison, numbers_of
from socal_core.evaluation.intervals import TOO_FEW
from socal_core.evaluation.summary import tested_text
from socal_core.evaluation.target_controls import target_comparison
from socal_core.evaluation.target_metrics import score_text
from socal_core.runs.files.metrics_record import (
    Control,
    CrossValidationScores,
    EvaluatedRun,
    FoldScores,
    Score,
    SeedScores,
)
from socal_core.runs.files.target_metrics_record import TargetFoldScores, TargetMetrics, TargetSeedScores
from socal_core.settings import Control as ControlKind

SUBSETS = {"train": "training", "validation": "validation", "test": "test"}


def success_text(metrics: EvaluatedRun) -> str:
    """Return the scores of a run that predicts success."""

    def text(name: Score) -> str:
        score, interval = metrics[name], metrics["intervals"][name]
        if score is None:
            return f"{name}: not defined"
        between = f"95 % interval {interval[0]:.3f} to {interval[1]:.3f}" if interval else TOO_FEW
        return f"{name}: {score:.3f} ({between})"

    (tn, fp), (fn, tp) = metrics["confusion_matrix"]
    return "\n".join(
        [
            f"{tested_text(metrics)}: {tp} successes and {tn} failures predicted correctly, "
            f"{fn} successes and {fp} failures predicted wrongly",
            *(text(name) for name in get_args(Score)),
            f"threshold: {metrics['threshold']['value']:.3f}, chosen on the validation trials",
            *(f"{alarm['severity']}: {alarm['text']}" for alarm in metrics["alarms"]),
            *([metrics["unchecked"]] if metrics["unchecked"] else []),
            *([compared] if (compared := comparison(metrics)) else []),
            *(f"{row['name']}: AUROC {numbers_of(row)}" for row in metrics["controls"] if _is_run(row)),
            *_fold_texts(metrics.get("cross_validation")),
        ]
    )


def _is_run(row: Control) -> bool:
    return row.get("key") in list(ControlKind) and row["difference"] is not None


def target_text(metrics: TargetMetrics) -> str:
    """Return the scores of a run that predicts another target, with its unit."""
    unit = metrics["unit"]
    unknown = f"; trials left out because it is unknown: {metrics['unknown']}" if metrics["unknown"] else ""
    title = f"{metrics['label']} ({unit})" if unit else metrics["label"]
    lines = [f"{title}: {metrics['n']} test trials{unknown}"]
    for name, value in metrics["scores"].items():
        low, high = metrics["intervals"].get(name) or (None, None)
        between = f"{score_text(name, low, unit)} to {score_text(name, high, unit)}"
        interval = "" if low is None else f" (95 % interval {between})"
        if value is not None and name in metrics["intervals"] and low is None:
            interval = f" ({TOO_FEW})"
        lines.append(f"{name}: {score_text(name, value, unit)}{interval}")
    for name, row in metrics["per_class"].items():
        recall = "recall not defined" if row["recall"] is None else f"recall {row['recall']:.3f}"
        precision = "precision not defined" if row["precision"] is None else f"precision {row['precision']:.3f}"
        lines.append(f"class {name}: {row['support']} trials, {recall}, {precision}")
    for control in metrics["controls"]:
        value = control["scores"][metrics["main"]]
        if value is not None:
            lines.append(f"control {control['key']}: {metrics['main']} {score_text(metrics['main'], value, unit)}")
    compared = target_comparison(metrics)
    return "\n".join([*lines, *([compared] if compared else []), *_target_fold_texts(metrics)])


def prediction_text(row: Mapping[str, Any]) -> str:
    """Return a prediction for the user.

    Args:
        row: The prediction of a trial, as from `predict_trials`.
    """
    if "unit" in row:
        return f"{row['predicted']:.4g} {row['unit']}".rstrip()
    if "probabilities" in row:
        return f"{row['predicted']} (probability {row['probabilities'][row['predicted']]:.3f})"
    outcome = "success" if row["predicted"] else "failure"
    return f"{outcome} (probability of success {row['prob_success']:.3f})"


def source_text(row: Mapping[str, Any]) -> str:
    """Return a prediction with its source and what is known about it for the user.

    Args:
        row: The prediction, as from `predict_sources`.
    """
    name = row["trial_id"] if row["source"] == row["trial_id"] else f"{row['source']} ({row['trial_id']})"
    details = []
    if row.get("calibrated") is not None:
        details.append(f"calibrated {row['calibrated']:.3f}")
    if row.get("threshold") is not None:
        details.append(f"threshold {row['threshold']:.3f}")
    if len(row["clips"]) > 1:
        details.append(f"{len(row['clips'])} clips {min(row['clips']):.3g} to {max(row['clips']):.3g}")
    if row["subset"] is not None:
        learned = ", from whose outcome the model has learned" if row["subset"] == "train" else ""
        details.append(f"{SUBSETS[row['subset']]} trial of the run{learned}")
    if row.get("same_id") is not None:
        details.append(f"new material with the id of a {SUBSETS[row['same_id']]} trial of the run")
    return "; ".join([f"{name}: {prediction_text(row)}", *details])


def live_text(row: Mapping[str, Any]) -> str:
    """Return a prediction while a trial is being recorded, as from `follow`, for the user."""
    over = "; the window of the run is over" if row["complete"] else ""
    return f"{row['second']:>4} s, {row['frames']} frames: {prediction_text(row)}{over}"


def _fold_texts(found: CrossValidationScores | None) -> list[str]:
    """Return one line per fold, per seed if there are several, and for the spread of each score."""
    if found is None:
        return []
    rows: list[tuple[str, FoldScores | SeedScores]] = [(row["run"], row) for row in found["folds"]]
    if len(found["seeds"]) > 1:
        rows += [(f"seed {row['seed']}, all folds", row) for row in found["seeds"]]
    lines = []
    for name, row in rows:
        auroc = "not defined" if row["auroc"] is None else f"{row['auroc']:.3f}"
        lines.append(
            f"{name}: auroc {auroc}, accuracy {row['accuracy']:.3f} ({row['n']} trials of {row['surgeons']} surgeons)"
        )
    for kind, spreads in (("folds", found["over_folds"]), ("seeds", found["over_seeds"])):
        lines += [
            f"{score} over {values['count']} {kind}: {values['lowest']:.3f} to {values['highest']:.3f}, mean "
            f"{values['mean']:.3f}, standard deviation {values['standard_deviation']:.3f}"
            for score, values in spreads.items()
        ]
    return lines


def _target_fold_texts(metrics: TargetMetrics) -> list[str]:
    """Return one line per fold, per seed if there are several, and for the spread of each score."""
    found, unit = metrics["cross_validation"], metrics["unit"]
    if found is None:
        return []
    rows: list[tuple[str, TargetFoldScores | TargetSeedScores]] = [(row["run"], row) for row in found["folds"]]
    if len(found["seeds"]) > 1:
        rows += [(f"seed {row['seed']}, all folds", row) for row in found["seeds"]]
    lines = []
    for name, row in rows:
        scores = ", ".join(f"{score} {score_text(score, value, unit)}" for score, value in row["scores"].items())
        lines.append(f"{name}: {scores} ({row['n']} trials of {row['surgeons']} surgeons)")
    for kind, spreads in (("folds", found["over_folds"]), ("seeds", found["over_seeds"])):
        for score, values in spreads.items():
            ends = (values["lowest"], values["highest"], values["mean"], values["standard_deviation"])
            lowest, highest, mean, deviation = (score_text(score, value, unit) for value in ends)
            lines.append(
                f"{score} over {values['count']} {kind}: {lowest} to {highest}, mean {mean}, standard deviation "
                f"{deviation}"
            )
    return lines
