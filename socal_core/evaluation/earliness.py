"""Earliness: how well a model does when it sees only the first seconds of its observation window."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.dataset.windows import Window, kind_of_task
from socal_core.errors import RunError
from socal_core.evaluation.intervals import outcome_estimates
from socal_core.evaluation.predict import outputs_of_logits
from socal_core.evaluation.predictors import open_model
from socal_core.evaluation.run_results import RunResults, read_results
from socal_core.evaluation.trained_model import TrainedModel, trained_model
from socal_core.evaluation.trial_scores import surgeons_of
from socal_core.runs.files.earliness_record import EARLINESS, Earliness, EarlinessPoint
from socal_core.runs.folder import RunFolder

SECONDS = (10, 20, 30, 40, 50, 60)
"""Seconds watched since the start of the window; all of the window follows."""

Progress = Callable[[str, int, int], None]


def earliness(run: RunFolder, progress: Progress | None = None) -> Earliness:
    """Evaluate the test trials of a run for each number of SECONDS, and write earliness.json.

    Clips are sampled from the shortened window as from the whole one. The threshold stays that of the run. A trial
    whose window is over by then keeps its prediction; one without a frame in these seconds is left out of the point.

    Args:
        run: An evaluated run that predicts success.
        progress: Called with the current stage, the amount of work done and the total; may raise.

    Returns:
        The scores by seconds. There is no point beyond the end of the window.

    Raises:
        ModelError: A file of the model is missing or damaged.
        RunError: The run predicts something else, has no results or no checkpoint, or is a cross-validation.
    """
    results = read_results(run)
    if results.metrics.get("cross_validation") is not None:
        raise RunError(f"Run {run.name} is a cross-validation, which has one model per fold. Choose one of its folds.")
    model, dataset = trained_model(run), run.open_dataset()
    if model.epoch != results.metrics["epoch"]:
        raise RunError(f"The results of run {run.name} are of another checkpoint. Run `evaluate` on it first.")
    window = model.config.clip.observation
    points = []
    for seconds in seconds_within(window):
        shortened = Window(window.start, window.start + seconds)
        test = _watched(model, dataset, results.test, shortened, _of_seconds(progress, seconds))
        if len(test):
            points.append(_point(test, results, dataset, seconds))
    points.append(_point(results.test, results, dataset, None))
    found = Earliness(model.config.clip.window, model.epoch, results.metrics["threshold"], tuple(points))
    EARLINESS.write(run.path, found)
    return found


def _of_seconds(progress: Progress | None, seconds: int) -> Progress | None:
    """Return a progress that names the seconds beside the stage."""
    if progress is None:
        return None
    return lambda stage, done, total: progress(f"First {seconds} s: {stage[:1].lower()}{stage[1:]}", done, total)


def seconds_within(window: Window) -> list[int]:
    """Return those of SECONDS that are shorter than the window."""
    fixed = window.stop is not None and window.stop > 0
    return [seconds for seconds in SECONDS if not fixed or window.start + seconds < (window.stop or 0)]


def earliness_text(found: Earliness) -> str:
    """Return the points as lines of text."""
    lines = [f"window {found.window}, threshold {found.threshold:.3f} of the whole window"]
    for point in found.points:
        watched = "all of the window" if point.seconds is None else f"first {point.seconds} s"
        auroc = _score_text("auroc", point.auroc, point.auroc_interval)
        accuracy = _score_text("accuracy", point.accuracy, point.accuracy_interval)
        lines.append(f"{watched} ({point.task}, {point.n} trials): {auroc}; {accuracy}")
    return "\n".join(lines)


def _score_text(name: str, value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None:
        return f"{name} not defined"
    between = f"95 % interval {interval[0]:.3f} to {interval[1]:.3f}" if interval else "no interval: too few surgeons"
    return f"{name} {value:.3f} ({between})"


def _watched(
    model: TrainedModel, dataset: Dataset, test: pd.DataFrame, window: Window, progress: Progress | None
) -> pd.DataFrame:
    """Return the test trials that have a frame in a shortened window, with the probabilities given after it."""
    full = model.config.clip.observation.select(dataset.frames)
    last = full.groupby("trial_id")["second"].max()
    going_on = [trial for trial in test["trial_id"] if last[trial] >= (window.stop or 0)]
    probability = test.set_index("trial_id")["prob_success"].copy()
    probability[going_on] = _probabilities(model, dataset, going_on, window, progress)
    return test.assign(prob_success=probability.to_numpy()).dropna(subset="prob_success")


def _probabilities(
    model: TrainedModel, dataset: Dataset, trials: Sequence[str], window: Window, progress: Progress | None
) -> pd.Series:
    """Predict trials from a window; NaN for a trial without a frame in it."""
    found = predicted_within(model, dataset, trials, window, SUCCESS_TARGET, progress) if trials else {}
    return pd.Series({trial: found[trial][1] if trial in found else np.nan for trial in trials}, dtype="float64")


def predicted_within(
    model: TrainedModel,
    dataset: Dataset,
    trials: Sequence[str],
    window: Window,
    target: Target,
    progress: Progress | None,
) -> dict[str, list[float]]:
    """Predict trials from another window than that of the run.

    Args:
        model: The model.
        dataset: The data set.
        trials: At least one trial.
        window: The seconds that the model sees; its end is not counted from that of the trial.
        target: What the model predicts.
        progress: As in `earliness`.

    Returns:
        The probability of each class, or the number, by trial; without the trials that have no frame in the window.
    """
    clip = model.config.clip.model_copy(update={"window": f"{window.start}:{window.stop}"})
    shortened = replace(model, config=model.config.model_copy(update={"clip": clip}))
    show = progress or (lambda text, done, total: None)
    with open_model(shortened, dataset, trials, show) as predictor:
        seen = [trial for trial in trials if trial not in predictor.left_out]
        outputs = outputs_of_logits(predictor.logits(seen), target).tolist() if seen else []
    return dict(zip(seen, outputs, strict=True))


def _point(test: pd.DataFrame, results: RunResults, dataset: Dataset, seconds: int | None) -> EarlinessPoint:
    predicted: NDArray[np.bool_] = (test["prob_success"] >= results.metrics["threshold"]).to_numpy()
    scores = outcome_estimates(test["label"], test["prob_success"], predicted, surgeons_of(test))
    return EarlinessPoint(
        seconds=seconds,
        task=_task(results, dataset, seconds),
        n=len(test),
        auroc=scores["auroc"].value,
        auroc_interval=scores["auroc"].interval,
        accuracy=scores["accuracy"].value,
        accuracy_interval=scores["accuracy"].interval,
    )


def _task(results: RunResults, dataset: Dataset, seconds: int | None) -> str:
    """Tell whether most trials of the run have ended by then, as metrics.json does for the whole window."""
    window = results.run.read_config().clip.observation
    frames = dataset.frames[dataset.frames["trial_id"].isin(results.predictions["trial_id"])]
    if seconds is not None and (window.stop is None or window.stop > 0):
        window = Window(window.start, window.start + seconds)
    return kind_of_task(frames, window)
