"""How the prediction for a trial forms: what the model predicts after its first seconds, and for each test clip."""

from collections.abc import Callable
from math import ceil

from socal_core.dataset.windows import Window
from socal_core.errors import DataError, RunError
from socal_core.evaluation.earliness import predicted_within
from socal_core.evaluation.predict import outputs_of_logits
from socal_core.evaluation.predictors import open_model
from socal_core.evaluation.trained_model import trained_model
from socal_core.runs.cross_validation import is_cross_validation
from socal_core.runs.files.trial_course import CoursePoint, TrialCourse
from socal_core.runs.folder import RunFolder

STEP = 10
"""Seconds between two points, more in a long window."""
MOST_POINTS = 30

Progress = Callable[[str, int, int], None]


def course_of(run: RunFolder, trial_id: str, progress: Progress) -> TrialCourse:
    """Predict a trial from its first seconds with the best checkpoint of a run.

    Clips are sampled from the shortened window as from the whole one, as for earliness.

    Args:
        run: A run with a checkpoint.
        trial_id: The trial; its outcome need not be known.
        progress: Called with the current stage, the amount of work done and the total; may raise.

    Raises:
        DataError: The trial does not exist or has no clip.
        ModelError: A file of the model is missing or damaged.
        RunError: The run is a cross-validation, or has no checkpoint.
    """
    if is_cross_validation(run):
        raise RunError(f"Run {run.name} is a cross-validation, which has one model per fold. Choose one of its folds.")
    dataset, model, target = run.open_dataset(), trained_model(run), run.read_target()
    window = model.config.clip.observation
    seen = window.select(dataset.frames_of(trial_id))["second"]
    if seen.empty:
        raise DataError(f"{trial_id}: no frame in the window ({window.describe()}).")
    steps = seconds_of(int(seen.iloc[-1]) - window.start + 1)
    points = []
    for number, seconds in enumerate(steps):
        progress(f"First {seconds} s", number, len(steps) + 1)
        shortened = Window(window.start, window.start + seconds)
        outputs = predicted_within(model, dataset, [trial_id], shortened, target, None)
        if trial_id in outputs:  # else it has no frame in these seconds
            points.append(CoursePoint(seconds, tuple(outputs[trial_id])))
    progress("All of the window", len(steps), len(steps) + 1)
    with open_model(model, dataset, [trial_id], lambda text, done, total: None) as predictor:
        if trial_id in predictor.left_out:
            raise DataError(predictor.left_out[trial_id])
        whole = outputs_of_logits(predictor.logits([trial_id]), target)[0]
        clips = outputs_of_logits(predictor.clip_logits([trial_id])[0].flatten(0, 1), target)
    points.append(CoursePoint(None, tuple(whole.tolist())))
    return TrialCourse(
        trial_id, model.config.clip.window, model.epoch, window.start, tuple(points), tuple(map(tuple, clips.tolist()))
    )


def seconds_of(length: int) -> list[int]:
    """Return the seconds after which a trial is predicted: every ten, or more in a long window; not its full length.

    Args:
        length: Seconds of the window that the trial has.
    """
    step = STEP * max(1, ceil(length / (STEP * (MOST_POINTS + 1))))
    return list(range(step, length, step))
