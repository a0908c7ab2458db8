"""Predict single trials with a trained model, whether or not their outcomes are known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.targets import Target
from socal_core.errors import DataError, RunError
from socal_core.evaluation.calibration import Temperature, fit_temperature
from socal_core.evaluation.predict import outputs_of_logits
from socal_core.evaluation.predictors import LoadedModel, average_crops
from socal_core.evaluation.trained_model import TrainedModel, trained_model
from socal_core.runs.files.metrics_file import is_of_success
from socal_core.runs.folder import RunFolder

Progress = Callable[[str, int, int], None]
Outputs = NDArray[np.float64]


@dataclass(frozen=True)
class Decision:
    """How the outputs of a model become a prediction."""

    target: Target
    threshold: float | None = None
    """The probability from which a trial is predicted to be a success; None for another target."""
    temperature: Temperature | None = None
    """Calibrates the probability of success; None if no temperature was fitted."""


def decision_of(run: RunFolder) -> Decision:
    """Return the target of a run, and the threshold and the temperature from its validation trials.

    Raises:
        RunError: The run predicts success and has no threshold yet.
    """
    target = run.read_target()
    if not target.is_success:
        return Decision(target)
    metrics = run.read_metrics()
    if metrics is None or not is_of_success(metrics):
        raise RunError(f"Run {run.name} has no threshold yet. Run `evaluate` on it first.")
    predictions = run.read_predictions()
    if predictions is None:
        return Decision(target, metrics["threshold"])
    validation = predictions[predictions["split"] == "validation"]
    temperature = fit_temperature(validation["label"], validation["prob_success"])
    return Decision(target, metrics["threshold"], temperature if temperature.value != 1 else None)


def predict_trials(run: RunFolder, dataset: Dataset, trial_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Predict trials with the best checkpoint of a run.

    Args:
        run: A run; one that predicts success has been evaluated, so that it has a threshold.
        dataset: The data set with the trials.
        trial_ids: The ids of the trials.

    Returns:
        One dictionary per trial, in the same order, as from `predict_loaded`.

    Raises:
        DataError: A trial does not exist or has no clip.
        RunError: The run has no threshold or no checkpoint.
    """
    return predict_with(trained_model(run), decision_of(run), dataset, trial_ids)


def predict_with(
    model: TrainedModel, decision: Decision, dataset: Dataset, trial_ids: Sequence[str]
) -> list[dict[str, Any]]:
    """Predict trials with a trained model.

    Args:
        model: The model.
        decision: How its outputs become predictions.
        dataset: The data set with the trials.
        trial_ids: The ids of the trials.

    Returns:
        As `predict_loaded` does.

    Raises:
        DataError: A trial does not exist or has no clip.
        ModelError: A file of the model is missing or damaged.
    """
    for trial_id in trial_ids:
        dataset.frames_of(trial_id)  # reports a missing trial before the model is loaded
    rows, left_out = predict_loaded(LoadedModel(model), decision, dataset, trial_ids)
    if left_out:
        raise DataError(" ".join(left_out.values()))
    return rows


def predict_loaded(
    model: LoadedModel,
    decision: Decision,
    dataset: Dataset,
    trial_ids: Sequence[str],
    progress: Progress | None = None,
) -> tuple[list[dict[str, Any]], Mapping[str, str]]:
    """Predict those of some trials that have a clip, from the clips that the run tests with.

    Args:
        model: The model.
        decision: How its outputs become predictions.
        dataset: The data set with the trials.
        trial_ids: The ids of the trials.
        progress: Called with the current stage, the amount of work done and the total; may raise.

    Returns:
        One dictionary per predicted trial, in the same order, with trial_id, `clips` (the output for each clip: the
        probability of success, that of the predicted class, or the number) and, for success, prob_success,
        prob_failure, predicted, threshold, calibrated (probability of success after temperature scaling, None without
        a temperature) and temperature; for other classes, predicted (the name of the class) and probabilities (by
        name); for a number, predicted and unit. And, by trial_id, why each other trial has no clip.
    """
    show = progress or (lambda stage, done, total: None)
    with model.on(dataset, trial_ids, show) as predictor:
        left_out = dict(predictor.left_out)
        predicted = [trial_id for trial_id in trial_ids if trial_id not in left_out]
        if not predicted:
            return [], left_out
        logits = predictor.clip_logits(predicted, lambda done, total: show("Predicting", done, total))
    outputs = outputs_of_logits(average_crops(logits), decision.target)
    clips = outputs_of_logits(logits.flatten(1, 2), decision.target)
    rows = zip(predicted, outputs, clips, strict=True)
    return [{"trial_id": trial_id, **_in_words(row, of_clips, decision)} for trial_id, row, of_clips in rows], left_out


def _in_words(outputs: Outputs, clips: Outputs, decision: Decision) -> dict[str, Any]:
    """Return the prediction of a trial by name.

    Args:
        outputs: The outputs, (outputs,).
        clips: Those of each clip, (clips, outputs).
        decision: How they become a prediction.
    """
    target, threshold = decision.target, decision.threshold
    if target.is_number:
        return {"predicted": float(outputs[0]), "unit": target.unit, "clips": clips[:, 0].tolist()}
    if threshold is None:
        named = dict(zip(target.classes, outputs.tolist(), strict=True))
        best = int(outputs.argmax())
        return {"predicted": target.classes[best], "probabilities": named, "clips": clips[:, best].tolist()}
    p, temperature = float(outputs[1]), decision.temperature
    return {
        "prob_success": p,
        "prob_failure": 1 - p,
        "predicted": int(p >= threshold),
        "threshold": threshold,
        "calibrated": None if temperature is None else float(temperature.scale([p])[0]),
        "temperature": None if temperature is None else temperature.value,
        "clips": clips[:, 1].tolist(),
    }
