"""Explain the prediction for a trial: by tool, by time and by place in the frame."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from socal_core.clips.preprocess import Preprocessor
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.targets import Target
from socal_core.errors import DataError, RunError
from socal_core.evaluation.predict import outputs_of_logits
from socal_core.evaluation.predictor import Predictor
from socal_core.evaluation.predictors import open_predictor
from socal_core.evaluation.trained_model import trained_model
from socal_core.explanations.faithfulness import judge
from socal_core.explanations.occlusion import Occlusion, of_squares, of_times, of_tools, paint_out, seen_area, sizes_of
from socal_core.explanations.record import Explanation, TimeEffect, ToolEffect
from socal_core.runs.files.metrics_file import is_of_success
from socal_core.runs.folder import RunFolder

ROWS, COLUMNS = 6, 6
"""The grid over the frame."""
TIMES = 8
"""Parts of the window."""
MIRRORS = ((True, False), (False, True), (True, True))

Progress = Callable[[str, int, int], None]


def explain(run: RunFolder, trial_id: str, progress: Progress) -> Explanation:
    """Explain the prediction of the best checkpoint of a run for a trial.

    Args:
        run: An evaluated run, but no cross-validation.
        trial_id: The trial; its outcome need not be known.
        progress: Called with the current stage, the amount of work done and the total; may raise.

    Raises:
        DataError: The trial does not exist or has no clip.
        ModelError: A file of the model is missing or damaged.
        RunError: The run has no results or no checkpoint.
    """
    dataset, model = run.open_dataset(), trained_model(run)
    dataset.frames_of(trial_id)  # reports a missing trial before the model is loaded
    metrics = run.read_metrics()
    if metrics is None:
        raise RunError(f"Run {run.name} has no results yet. Run `evaluate` on it first.")
    threshold = metrics["threshold"] if is_of_success(metrics) else 0.0
    with open_predictor(run, dataset, [trial_id], progress) as predictor:
        if trial_id in predictor.left_out:
            raise DataError(predictor.left_out[trial_id])
        return explain_with(predictor, dataset, trial_id, run.read_target(), threshold, model.epoch, progress)


def explain_with(
    predictor: Predictor,
    dataset: Dataset,
    trial_id: str,
    target: Target,
    threshold: float,
    epoch: int,
    progress: Progress,
) -> Explanation:
    """Explain the prediction of an open model for a trial; see `explain`.

    Args:
        predictor: The model, with the clips of the trial.
        dataset: The data set with the trial.
        trial_id: The trial.
        target: What the model predicts.
        threshold: The probability from which a trial is predicted to be a success; not used for another target.
        epoch: The epoch of the checkpoint.
        progress: As in `explain`.
    """
    probe = _Probe(predictor, dataset, trial_id, target, threshold)
    frames = predictor.frames_seen(trial_id)
    tools = [tool for tool in of_tools(dataset, trial_id) if seen_area(tool, frames)[0]]
    effects = []
    for number, tool in enumerate(tools):
        progress("Painting out tools", number, len(tools))
        effects.append(_effect(probe, tool, frames))
    times = []
    for number, part in enumerate(of_times(frames, TIMES)):
        progress("Painting out times", number, TIMES)
        times.append(TimeEffect(min(part.rectangles), max(part.rectangles), probe.change(part)))
    cells, changes = of_squares(frames, ROWS, COLUMNS), []
    for number, cell in enumerate(cells):
        progress("Painting out squares", number, len(cells))
        changes.append(probe.change(cell))
    faithfulness = judge(
        [probe.importance(change) for change in changes],
        cells,
        probe.score,
        seed=0,
        progress=lambda done, total: progress("Comparing with random maps", done, total),
    )
    return Explanation(
        trial_id=trial_id,
        epoch=epoch,
        output_name=probe.name,
        output=probe.output,
        frames=tuple(frames),
        tools=tuple(sorted(effects, key=lambda effect: -abs(effect.change))),
        times=tuple(times),
        squares=tuple(tuple(changes[row * COLUMNS : (row + 1) * COLUMNS]) for row in range(ROWS)),
        faithfulness=faithfulness,
    )


class _Probe:
    """The output of a model for a trial with parts painted out."""

    def __init__(self, predictor: Predictor, dataset: Dataset, trial_id: str, target: Target, threshold: float) -> None:
        self._predictor = predictor
        self._trial_id = trial_id
        self._target = target
        self._sizes = sizes_of(dataset, trial_id)
        whole = self._outputs(Occlusion("", {}))
        self._column = 0 if target.is_number else 1 if target.is_success else int(whole.argmax())
        # A trial that is predicted to be a failure is explained by the probability of success, too.
        self._is_predicted = not target.is_success or bool(whole[1] >= threshold)
        self.name = target.label_with_unit if target.is_number else f"probability of {target.classes[self._column]}"
        self.output = float(whole[self._column])

    def change(self, occlusion: Occlusion) -> float:
        """Return the output for the whole trial minus the output without a part."""
        return self.output - float(self._outputs(occlusion)[self._column])

    def importance(self, change: float) -> float:
        """Return how much a change speaks for the prediction; for a number, its size."""
        if self._target.is_number:
            return abs(change)
        return change if self._is_predicted else -change

    def score(self, occlusion: Occlusion) -> float:
        """Return how far the output without a part is from the prediction, at most 0 where it is less certain.

        It is the probability of the predicted class minus that for the whole trial; for a number, minus the distance.
        """
        return -self.importance(self.change(occlusion))

    def _outputs(self, occlusion: Occlusion) -> NDArray[np.float64]:
        def change(clip: NDArray[np.uint8], indices: Sequence[int], preprocessor: Preprocessor) -> NDArray[np.uint8]:
            return paint_out(clip, indices, occlusion, self._sizes, preprocessor)

        found: NDArray[np.float64] = outputs_of_logits(
            self._predictor.changed_logits(self._trial_id, change)[None], self._target
        )[0]
        return found


def _effect(probe: _Probe, tool: Occlusion, frames: Sequence[int]) -> ToolEffect:
    count, area = seen_area(tool, frames)
    change = probe.change(tool)
    elsewhere = tuple(probe.change(tool.mirrored(across, down)) for across, down in MIRRORS)
    return ToolEffect(tool.name, count, area, probe.output - change, change, elsewhere)
