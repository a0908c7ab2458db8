"""A run with frozen features: embed each clip once, fit the head on the training trials, predict all trials.

Features are cached on disk clip by clip, and the head depends only on features, outcomes and seed. So a run that is
killed or stopped at any point and resumed ends with the same head.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from socal_core.dataset.dataset import Dataset
from socal_core.evaluation.metrics import metrics_of
from socal_core.evaluation.predict import finish_run, probabilities_of
from socal_core.evaluation.predictors import FrozenPredictor, encoders_of
from socal_core.evaluation.trained_model import TrainedModel
from socal_core.lifecycle.further import trained_on_labels
from socal_core.models.encoders import build_encoder
from socal_core.models.features import Embedder, open_embedder
from socal_core.models.head import FrozenHead, load_head, save_head
from socal_core.models.head_fit import balanced_loss, fit_head
from socal_core.models.weights_record import describe_weights
from socal_core.runs.cross_validation import stop_requested
from socal_core.runs.files.records import EncoderRecord, TrainingState
from socal_core.runs.folder import RunFolder
from socal_core.settings import VIDEO_ENCODER, TrainConfig
from socal_core.splits import Split
from socal_core.training.checkpoint_io import write_checkpoint
from socal_core.training.run_split import with_clips
from socal_core.training.stop import StopRequested

TRAINED_ENCODER = (
    "The video encoder is a checkpoint of a run that was trained on the outcomes of these training trials. The scores "
    "of the inner folds are therefore too good; those of the validation and test trials are not affected."
)


@dataclass(frozen=True)
class FrozenJob:
    """Everything that a frozen run needs; the worker creates it."""

    run: RunFolder
    config: TrainConfig
    dataset: Dataset
    split: Split
    device: torch.device
    report: Callable[..., None]
    """`EventLog.append`."""

    def check_stop(self) -> None:
        """Raise StopRequested if the user asked the run to stop."""
        if stop_requested(self.run):
            raise StopRequested

    def show_stage(self, stage: str, done: int, total: int) -> None:
        """Report the progress of a stage, and check for a stop."""
        self.check_stop()
        self.report("stage", stage=stage, done=done, total=total)


def train_frozen(job: FrozenJob, resume_from: Path | None) -> None:
    """Train and evaluate a frozen run; its only checkpoint contains the head.

    Args:
        job: The run.
        resume_from: A checkpoint whose head is used unchanged; None fits a new one.

    Raises:
        StopRequested: The user asked the run to stop.
    """
    job.show_stage("Loading the encoders", 0, 1)
    head = None
    if resume_from is None:
        encoders = [build_encoder(name, job.config) for name in job.config.model.encoder.names]
    else:
        head = load_head(resume_from)
        encoders = encoders_of(TrainedModel(f"run {job.run.name}", resume_from, job.config, epoch=1), head)
    records = {encoder.name: EncoderRecord(encoder.title, encoder.digest) for encoder in encoders}
    weights = describe_weights(job.config.model) if VIDEO_ENCODER in records else None
    if weights is not None and trained_on_labels(job.config.model.model):
        job.report("notice", message=TRAINED_ENCODER)
    job.run.write_environment(replace(job.run.read_environment(), encoders=records, weights=weights))
    with ExitStack() as stack:
        trials = job.split.trial_ids
        embedders = [
            stack.enter_context(open_embedder(encoder, job.dataset, job.config, trials, job.device, job.show_stage))
            for encoder in encoders
        ]
        left_out = {trial for embedder in embedders for trial in embedder.reader.left_out}
        split = with_clips(job.split, set(trials) - left_out)
        features = {embedder.encoder.name: _embed(job, embedder, split) for embedder in embedders}
        for message in dict.fromkeys(text for embedder in embedders for text in embedder.notices()):
            job.report("notice", message=message)
        if head is None:
            head = _train_head(job, split, features, embedders)
        predicting = partial(job.show_stage, "Predicting all trials")
        finish_run(job.run, job.dataset, FrozenPredictor(head, embedders), predicting)


def _embed(job: FrozenJob, embedder: Embedder, split: Split) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Embed all trials and return the features of the training trials, (trials, clips, steps, dims)."""
    trials = [*split.train, *split.validation, *split.test]
    return embedder.embed(trials, partial(job.show_stage, embedder.encoder.stage))[: len(split.train)]


def _train_head(
    job: FrozenJob,
    split: Split,
    features: Mapping[str, np.ndarray[Any, np.dtype[np.float32]]],
    embedders: list[Embedder],
) -> FrozenHead:
    """Fit the head, score it on the validation trials, and write it as the checkpoint of the run."""
    started = time.perf_counter()
    job.show_stage("Fitting the head", 0, 1)
    trials = job.dataset.usable_trials
    training = trials.loc[list(split.train)]
    head = fit_head(
        features,
        training["success"].to_numpy(np.int64),
        # A trial of unknown surgeon counts as the only trial of its surgeon.
        training["participant_id"].where(training["participant_id"] != "", training.index).astype(str).tolist(),
        job.config.split.seed,
        job.config.model.encoder.candidates,
        job.report,
        job.check_stop,
    )
    digests = {embedder.encoder.name: embedder.encoder.identity for embedder in embedders}
    head = replace(head, digests={name: digests[name] for name in head.encoders})
    labels = trials.loc[list(split.validation), "success"].to_numpy(np.int64)
    probabilities = probabilities_of(FrozenPredictor(head, embedders).logits(split.validation))
    scores = validation_scores(labels, probabilities)
    job.report(
        "head",
        **head.as_dict(),
        clips=job.config.clip.test_clips,
        **scores,
        seconds=round(time.perf_counter() - started, 3),
    )
    state = TrainingState(epoch=1, best_epoch=1, best_val_loss=scores["val_loss"])
    write_checkpoint(job.run, state, partial(save_head, head))
    return head


def validation_scores(
    labels: np.ndarray[Any, np.dtype[np.int64]], probabilities: np.ndarray[Any, np.dtype[np.float64]]
) -> dict[str, Any]:
    """Compute the loss, and accuracy at 0.5 and AUROC with their 95 % intervals.

    Args:
        labels: The outcomes, 0 or 1, (trials,).
        probabilities: The predicted probabilities of success, (trials,).

    Returns:
        The scores, by the names of an `epoch` event.
    """
    metrics = metrics_of(labels, probabilities, (probabilities >= 0.5).astype(int))
    scores: dict[str, Any] = {"val_loss": balanced_loss(labels, probabilities)}
    for name in ("accuracy", "auroc"):
        low, high = metrics["intervals"][name] or (None, None)
        scores |= {f"val_{name}": metrics[name], f"val_{name}_low": low, f"val_{name}_high": high}
    return scores
