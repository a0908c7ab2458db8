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
from accelerate import Accelerator

from socal_core.dataset.dataset import Dataset
from socal_core.evaluation.predict import finish_run
from socal_core.evaluation.predictors import FrozenPredictor, encoders_of
from socal_core.evaluation.trained_model import TrainedModel
from socal_core.evaluation.trial_scores import surgeons_by_trial
from socal_core.lifecycle.further import trained_on_labels
from socal_core.models.encoders import build_encoder
from socal_core.models.features import Embedder, open_embedder
from socal_core.models.head import FrozenHead, load_head, save_head
from socal_core.models.head_fit import fit_head
from socal_core.models.weights_record import describe_weights
from socal_core.runs.files.records import EncoderRecord, TrainingState
from socal_core.runs.folder import RunFolder
from socal_core.settings import VIDEO_ENCODER, TrainConfig
from socal_core.splits import Split
from socal_core.training.checkpoint_io import write_checkpoint
from socal_core.training.loading import stopping_at_once
from socal_core.training.run_split import with_clips
from socal_core.training.stop import StopCheck
from socal_core.training.validation import scores_of_head

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
    accelerator: Accelerator
    report: Callable[..., None]
    """`EventLog.append` in the main process, nothing in the others."""
    stop: StopCheck

    def show_opening(self, stage: str, done: int, total: int) -> None:
        """Report a stage before the embedding, and check for a stop."""
        self.stop.early()
        self.report("stage", stage=stage, done=done, total=total)

    def show_stage(self, stage: str, done: int, total: int) -> None:
        """Report the embedding or a stage of the main process, and check for a stop."""
        self.stop.alone()
        self.report("stage", stage=stage, done=done, total=total)


def train_frozen(job: FrozenJob, resume_from: Path | None) -> None:
    """Train and evaluate a frozen run; its only checkpoint contains the head.

    All processes embed a share of the clips. The main process does the rest.

    Args:
        job: The run.
        resume_from: A checkpoint whose head is used unchanged; None fits a new one.

    Raises:
        StopRequested: The user asked the run to stop.
    """
    job.show_opening("Loading the encoders", 0, 1)
    head = None
    with stopping_at_once(job.run, job.accelerator):
        if resume_from is None:
            encoders = [build_encoder(name, job.config) for name in job.config.model.encoder.names]
        else:
            head = load_head(resume_from)
            encoders = encoders_of(TrainedModel(f"run {job.run.name}", resume_from, job.config, epoch=1), head)
    records = {encoder.name: EncoderRecord(encoder.title, encoder.digest) for encoder in encoders}
    weights = describe_weights(job.config.model) if VIDEO_ENCODER in records else None
    if weights is not None and trained_on_labels(job.config.model.model):
        job.report("notice", message=TRAINED_ENCODER)
    if job.accelerator.is_main_process:
        job.run.write_environment(replace(job.run.read_environment(), encoders=records, weights=weights))
    with ExitStack() as stack:
        trials, device = job.split.trial_ids, job.accelerator.device
        embedders = [
            stack.enter_context(open_embedder(encoder, job.dataset, job.config, trials, device, job.show_opening))
            for encoder in encoders
        ]
        job.stop.together()
        left_out = {trial for embedder in embedders for trial in embedder.reader.left_out}
        split = with_clips(job.split, set(trials) - left_out)
        features = {embedder.encoder.name: _embed(job, embedder, split) for embedder in embedders}
        if not job.accelerator.is_main_process:
            return
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
    target = job.dataset.target
    values = target.standardized(job.dataset.target_values)
    surgeons = surgeons_by_trial(job.dataset.usable_trials)
    head = fit_head(
        features,
        values[list(split.train)].to_numpy(),
        surgeons[list(split.train)].tolist(),
        job.config.split.seed,
        job.config.model.encoder.candidates,
        job.report,
        job.stop.alone,
        target,
    )
    digests = {embedder.encoder.name: embedder.encoder.identity for embedder in embedders}
    head = replace(head, digests={name: digests[name] for name in head.encoders})
    logits = FrozenPredictor(head, embedders).logits(split.validation)
    validation = list(split.validation)
    scores = scores_of_head(logits, torch.tensor(values[validation].to_numpy()), target, surgeons[validation].tolist())
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
