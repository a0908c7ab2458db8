"""Controls for another target than success: simple rules that predict the same classes or the same number."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.targets import Target, class_numbers
from socal_core.dataset.windows import Window
from socal_core.evaluation.compare import Difference, macro_auroc_difference, rmse_difference
from socal_core.evaluation.control_cues import COLOUR, TOOLS, Embed, cues_of
from socal_core.evaluation.controls import MAJORITY, TIME, in_all_folds
from socal_core.evaluation.cues import predict_classes_from, predict_number_from, varying
from socal_core.evaluation.target_metrics import (
    BLOOD_LOSS,
    LOWER_IS_BETTER,
    main_score,
    outputs_of,
    score_text,
    scores_of,
    with_outputs,
)
from socal_core.evaluation.trial_scores import surgeons_of
from socal_core.presets import SOCAL
from socal_core.runs.files.target_metrics_record import TargetControl, TargetMetrics

MEAN = "mean"
PUBLISHED = (
    "Linear regression on the time to haemostasis, a comparison and never an input of a model: it is known only when "
    "the trial is over. On the 20 test trials of Kugener et al. (Neurosurgery 2022;90:823), this regression had an "
    "RMSE of 431 mL and an R² of 0.35."
)

_CONSTANT_IN_FOLDS = {
    MEAN: "Predicts in each fold the mean of its training trials.",
    MAJORITY: (
        "Predicts in each fold the class of most of its training trials. Its AUROC is below 0.5 because a fold with "
        "many trials of a class leaves few for training."
    ),
}


def target_controls(
    dataset: Dataset,
    predictions: pd.DataFrame,
    window: Window,
    clips: Iterable[NDArray[np.uint8]],
    embed: Embed | None = None,
) -> list[TargetControl]:
    """Score the controls on the test trials of a run. Each learns only from the training trials.

    Args:
        dataset: The data of the run, with its target.
        predictions: The model's predictions of all trials (runs/files/predictions.py).
        window: The seconds of a trial that the model may see.
        clips: The clips that the model received, as in `controls.controls`.
        embed: The image encoder; None leaves out the control of the middle frame.

    Returns:
        One dictionary per control, with the key majority (for a number mean), frames, length, colour, middle_frame,
        tools, motion or, for the blood loss of SOCAL, tth. `difference` is the main score of the model minus that of
        the control; `verdict` says which of them is better. The scores are None if what the control needs is missing.
    """
    target, trials = dataset.target, predictions["trial_id"]
    rows = [_constant(predictions, target)]
    for cue in cues_of(dataset, trials, window, clips, embed):
        if cue.features is None:
            rows.append(_absent(cue.key, cue.name, cue.lacking, target))
        else:
            rows.append(_learned(predictions, cue.features, cue.key, cue.name, cue.what, target))
    time = dataset.trials.loc[trials, [TIME]].astype("float64") if _is_published(dataset) else pd.DataFrame()
    if time.notna().to_numpy().any():
        outputs = _regression(predictions, time, target)
        rows.append(scored_target_control(predictions, outputs, TIME, "Time to haemostasis", PUBLISHED, target))
    return rows


def pooled_target_controls(
    predictions: pd.DataFrame, folds: Sequence[TargetMetrics], target: Target
) -> list[TargetControl]:
    """Pool the controls of the folds of a cross-validation, as the model is pooled (cross_validation.py).

    Args:
        predictions: The pooled predictions of the model.
        folds: The metrics of each fold.
        target: What is predicted.

    Returns:
        As `target_controls` does; a control without scores in one of the folds has none.
    """
    field = "predicted" if target.is_number else "probabilities"
    found = []
    for rows in in_all_folds([metrics["controls"] for metrics in folds]):
        lacking = next((row for row in rows if field not in row), None)
        if lacking is not None:
            found.append(lacking)
            continue
        values: list[Mapping[str, Any]] = [*rows]
        scored = pd.concat(
            pd.DataFrame(row[field], index=[trial["trial_id"] for trial in metrics["trials"]])
            for row, metrics in zip(values, folds, strict=True)
        )
        outputs = scored.groupby(level=0).mean().loc[predictions["trial_id"]].to_numpy(float)
        key = rows[0]["key"]
        text = _CONSTANT_IN_FOLDS.get(key, rows[0]["description"])
        found.append(scored_target_control(predictions, outputs, key, rows[0]["name"], text, target))
    return found


def target_comparison(metrics: TargetMetrics) -> str:
    """Describe in a sentence whether the model of a run is better than the colour and the tools control.

    Args:
        metrics: The content of the run's metrics.json.

    Returns:
        The sentence; "" if the test trials have no main score.
    """
    main, unit = metrics["main"], metrics["unit"]
    rows = [row for row in metrics["controls"] if row["key"] in {COLOUR, TOOLS}]
    scored = [row for row in rows if row["difference"] is not None]
    if not scored or metrics["scores"][main] is None:
        return ""
    parts = [f"{row['verdict']} the {row['key']} control ({_numbers(row, main, unit)})" for row in scored]
    missing = [row["description"] for row in rows if row["scores"][main] is None]
    model = f"{main.upper()} {score_text(main, metrics['scores'][main], unit)}"
    return " ".join([f"The model ({model}) is {' and '.join(parts)}.", *missing])


def _numbers(row: TargetControl, main: str, unit: str) -> str:
    text = f"{score_text(main, row['scores'][main], unit)}; difference {_signed(main, row['difference'], unit)}"
    if row["difference_interval"] is None:
        return f"{text}, no interval: too few surgeons in the test subset"
    low, high = (_signed(main, end, unit) for end in row["difference_interval"])
    return f"{text}, 95 % interval {low} to {high}"


def _signed(main: str, value: float | None, unit: str) -> str:
    text = score_text(main, value, unit)
    return text if value is None or value < 0 else f"+{text}"


def _is_published(dataset: Dataset) -> bool:
    return dataset.preset.name == SOCAL.name and dataset.target.column == BLOOD_LOSS


def _constant(predictions: pd.DataFrame, target: Target) -> TargetControl:
    test = int((predictions["split"] == "test").sum())
    outputs = np.tile(_of_training(predictions, target), (test, 1))
    if target.is_number:
        text = f"Predicts for every trial the mean of the training trials: {outputs[0, 0]:.4g} {target.unit}".rstrip()
        return scored_target_control(predictions, outputs, MEAN, "Mean", f"{text}.", target)
    name = target.classes[int(outputs[0].argmax())]
    text = f"Predicts {name} for every trial, the class of most training trials."
    return scored_target_control(predictions, outputs, MAJORITY, "Majority class", text, target)


def _of_training(predictions: pd.DataFrame, target: Target) -> NDArray[np.float64]:
    """Return the fraction of each class among the training trials, (classes,), or their mean, (1,)."""
    labels = predictions.loc[predictions["split"] == "train", "label"]
    if target.is_number:
        return np.array([labels.mean()])
    counts = np.bincount(class_numbers(labels, target), minlength=len(target.classes))
    fractions: NDArray[np.float64] = counts / counts.sum()
    return fractions


def _learned(
    predictions: pd.DataFrame, features: pd.DataFrame, key: str, name: str, what: str, target: Target
) -> TargetControl:
    """Score a regression on features, which are indexed by trial in the order of the predictions."""
    kind = "Logistic" if not target.is_number else "Linear" if features.shape[1] == 1 else "Ridge"
    outputs = _regression(predictions, features, target)
    return scored_target_control(predictions, outputs, key, name, f"{kind} regression on {what}.", target)


def _regression(predictions: pd.DataFrame, features: pd.DataFrame, target: Target) -> NDArray[np.float64]:
    """Return the outputs for the test trials of a regression on features, fitted to the training trials."""
    labels = predictions.set_index("trial_id")["label"]
    numbers = labels if target.is_number else pd.Series(class_numbers(labels, target), index=labels.index)
    train = numbers[predictions["split"].to_numpy() == "train"]
    test = predictions.loc[predictions["split"] == "test", "trial_id"]
    if train.nunique() < 2 or varying(features, train.index).empty:
        return np.tile(_of_training(predictions, target), (len(test), 1))  # there is nothing to learn from
    if target.is_number:
        return predict_number_from(features, train)[test].to_numpy(float)[:, None]
    return predict_classes_from(features, train, len(target.classes)).loc[test].to_numpy(float)


def scored_target_control(
    predictions: pd.DataFrame, outputs: NDArray[np.float64], key: str, name: str, text: str, target: Target
) -> TargetControl:
    """Compute the scores of a control from its outputs for the test trials, (trials, outputs)."""
    test = predictions[predictions["split"] == "test"]
    predicted = with_outputs(test, outputs, target)
    found = _difference(test, outputs, target)
    row: TargetControl = {
        "key": key,
        "name": name,
        "description": text,
        "scores": scores_of(predicted, target),
        "difference": found.value if found else None,
        "difference_interval": found.interval if found else None,
        "verdict": found.ranking(main_score(target) in LOWER_IS_BETTER) if found else None,
        "predicted": predicted["predicted"].tolist(),
    }
    return row if target.is_number else {**row, "probabilities": outputs.tolist()}


def _difference(test: pd.DataFrame, outputs: NDArray[np.float64], target: Target) -> Difference | None:
    """Compare the model with a control on the test trials."""
    surgeons = surgeons_of(test)
    if target.is_number:
        return rmse_difference(test["label"], test["predicted"], outputs[:, 0], surgeons)
    return macro_auroc_difference(class_numbers(test["label"], target), outputs_of(test, target), outputs, surgeons)


def _absent(key: str, name: str, text: str, target: Target) -> TargetControl:
    return {
        "key": key,
        "name": name,
        "description": text,
        "scores": {main_score(target): None},
        "difference": None,
        "difference_interval": None,
        "verdict": None,
    }
