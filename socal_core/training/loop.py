"""The training loop: epochs, steps, validation, schedule, early stopping and checkpoints.

All random numbers depend only on the seed, the epoch, and the step or trial. So a checkpoint needs no random state, and
a run that is killed at any point and resumed reaches the same weights.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import nn

from socal_core.clips.loader import ClipReader
from socal_core.clips.sampling import derive_seed
from socal_core.dataset.targets import Target
from socal_core.errors import RunError
from socal_core.evaluation.logits import logits_of
from socal_core.lifecycle.further import HOW_TO_TRAIN_FURTHER
from socal_core.models.build import VideoClassifier
from socal_core.models.regularization import regularize
from socal_core.preflight.learning_rates import changes_by_step, rate_at
from socal_core.runs.checkpoint_folders import read_training_state
from socal_core.runs.files.records import TrainingState
from socal_core.runs.folder import RunFolder
from socal_core.settings import OptimizationSettings, TrainConfig
from socal_core.splits import Split
from socal_core.training.batches import Rank, training_batches
from socal_core.training.checkpoint_io import CHECKPOINT_SECONDS, Checkpoints, load_tensors
from socal_core.training.compilation import compiled
from socal_core.training.objective import add_gradients, class_weights, make_optimizer, make_scheduler
from socal_core.training.out_of_memory import is_out_of_memory, smaller
from socal_core.training.sharding import gathered, shard, sharded_state, whole
from socal_core.training.stop import StopCheck, StopRequested
from socal_core.training.trained_weights import TrainedWeights
from socal_core.training.validation import scores_of_logits


@dataclass(frozen=True)
class TrainingJob:
    """Everything that training needs; the worker creates it."""

    run: RunFolder
    config: TrainConfig
    classifier: VideoClassifier
    reader: ClipReader
    split: Split
    """The split, without trials that have no clip."""
    target: Target
    """What the model predicts."""
    values: Mapping[str, float]
    """The index of the class of each trial, or its standardized number, by trial_id."""
    surgeons: Mapping[str, str]
    """The surgeon of each trial, by trial_id; each trial of an unknown surgeon counts as that of a separate one."""
    accelerator: Accelerator
    report: Callable[..., None]
    """`EventLog.append` in the main process, nothing in the others."""
    stop: StopCheck


@dataclass
class _Run:
    """The parts of a run that change during training."""

    model: nn.Module
    step_model: nn.Module
    """The model as the training step calls it, which may be its compiled form; the weights are the same."""
    optimizer: Any
    scheduler: torch.optim.lr_scheduler.ReduceLROnPlateau
    parts: dict[str, Any]
    """The objects whose state is saved, by their names in a checkpoint."""
    class_weights: torch.Tensor | None
    """The weights of the classes, (classes,); None for a number."""
    weights: TrainedWeights
    scales: list[float]
    """The learning rate of each group of parameters as a fraction of that of the head."""
    checkpoints: Checkpoints
    state: TrainingState = field(default_factory=TrainingState)

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the state dicts of all parts, and the weights that the run predicts with.

        All processes call this; only in the main process are the tensors whole.
        """
        parts = {name: part.state_dict() for name, part in self.parts.items()}
        return whole(parts), whole(self.weights.of_prediction())


def train(job: TrainingJob, resume_from: Path | None) -> None:
    """Train until the last epoch or early stopping.

    There is a complete checkpoint of the last epoch, of the best epoch, and of the step at which a run is stopped.
    Others are written in between (`Checkpoints`).

    Args:
        job: The run.
        resume_from: The checkpoint from which training continues; None starts from the beginning.

    Raises:
        StopRequested: The user asked the run to stop.
        RunError: The loss is not finite, memory ran out, or a checkpoint cannot be written or read.
    """
    run = _set_up(job, resume_from)
    try:
        while _goes_on(run.state, job.config.optimization):
            _train_and_validate(job, run)
            _save(job, run, run.checkpoints.offer)
    except StopRequested:
        if run.state != TrainingState():
            _save(job, run, run.checkpoints.write)
        raise
    except BaseException as error:
        run.checkpoints.rescue_best()
        if not is_out_of_memory(error):
            raise
        trials = min(job.config.optimization.batch_size, len(job.split.train))
        clips = trials * job.config.augmentation.repeated_augmentation
        raise RunError(smaller(job.config, -(-clips // job.accelerator.num_processes))) from error
    _save(job, run, run.checkpoints.write)


def _save(job: TrainingJob, run: _Run, write: Callable[..., None]) -> None:
    """Let the main process write or keep the present state, while the others wait."""
    tensors, weights = run.snapshot()
    if job.accelerator.is_main_process:
        write(run.state, tensors, weights)
    job.accelerator.wait_for_everyone()


def _goes_on(state: TrainingState, settings: OptimizationSettings) -> bool:
    patience = settings.early_stopping_patience if settings.use_early_stopping else math.inf
    return state.epoch < settings.num_epochs and state.epochs_without_improvement < patience


def _train_and_validate(job: TrainingJob, run: _Run) -> None:
    """Train for an epoch, or the rest of one, validate, step the schedule, update the state and report the event."""
    started, epoch = time.perf_counter(), run.state.epoch + 1
    learning_rate = run.optimizer.param_groups[0]["lr"]
    training = _train_epoch(job, run, epoch)
    validation = _validate(job, run)
    if job.config.optimization.use_lr_scheduler and not changes_by_step(job.config.optimization):
        run.scheduler.step(validation["val_loss"])
    run.state = run.state.after_epoch(validation["val_loss"])
    job.report(
        "epoch",
        epoch=epoch,
        epochs=job.config.optimization.num_epochs,
        **training,
        **validation,
        learning_rate=learning_rate,
        seconds=round(time.perf_counter() - started, 3),
        best=run.state.best_epoch == epoch,
    )


def _set_up(job: TrainingJob, resume_from: Path | None) -> _Run:
    """Build model, optimizer and schedule, and restore their states from a checkpoint if one is given.

    Raises:
        RunError: The checkpoint was written by an earlier version and its optimizer state does not fit this one.
    """
    if job.config.machine.gradient_checkpointing:
        job.classifier.model.activation_checkpointing_enable()
    regularize(job.classifier.model, job.config.model)
    sharded = shard(job.classifier.model, job.config.machine, job.accelerator)
    optimizer = make_optimizer(job.classifier.model, job.config.optimization)
    scales = [group["lr"] / job.config.optimization.learning_rate for group in optimizer.param_groups]
    scheduler = make_scheduler(optimizer, job.config.optimization)
    optimizer = job.accelerator.prepare(optimizer)
    # A sharded model needs no engine around it.
    model = job.accelerator.prepare_model(job.classifier.model, evaluation_mode=sharded)
    trained = TrainedWeights(job.classifier.model, job.config)
    parts = {"optimizer": optimizer, "scheduler": scheduler, "weights": trained}
    if job.accelerator.scaler is not None:
        parts["scaler"] = job.accelerator.scaler
    weights = class_weights([job.values[trial] for trial in job.split.train], job.target)
    checkpoints = Checkpoints(job.run, job.classifier)
    run = _Run(model, _as_called(job, model), optimizer, scheduler, parts, weights, trained, scales, checkpoints)
    if resume_from is not None:
        run.state = read_training_state(resume_from)
        for name, tensors in load_tensors(resume_from).items():
            try:
                parts[name].load_state_dict(sharded_state(tensors, optimizer) if name == "optimizer" else tensors)
            except ValueError:  # the number of parameter groups or their sizes are different
                raise RunError(
                    f"Run {job.run.name} cannot be resumed: an earlier version wrote its checkpoints, and their "
                    f"optimizer state does not fit this version. {HOW_TO_TRAIN_FURTHER}"
                ) from None
    return run


def _as_called(job: TrainingJob, model: nn.Module) -> nn.Module:
    """Return the model as the training step calls it: compiled, if the settings ask for that and it is possible."""
    if not job.config.machine.compile:
        return model
    step_model, notice = compiled(model, job.accelerator.device)
    if notice:
        job.report("notice", message=notice)
    return step_model


def _train_epoch(job: TrainingJob, run: _Run, epoch: int) -> dict[str, float]:
    """Train for an epoch, or the rest of one.

    Returns:
        `train_loss`, the class-weighted mean over all training trials of the epoch; `clips_per_second`; and
        `data_wait`, the fraction of the time spent waiting for clips.

    Raises:
        StopRequested: The user asked the run to stop; raised between two steps.
        RunError: The loss is not a finite number.
    """
    config, accelerator = job.config, job.accelerator
    steps, clips = math.ceil(len(job.split.train) / config.optimization.batch_size), 0
    rank = Rank(accelerator.process_index, accelerator.num_processes, accelerator.device)
    batches = training_batches(
        job.reader, job.split.train, job.values, run.class_weights, config, epoch, rank, run.state.step
    )
    run.model.train()
    waited, started = 0.0, time.perf_counter()
    for batch in batches:
        job.stop.together()
        if changes_by_step(config.optimization):
            rate = rate_at(config.optimization, (epoch - 1) * steps + run.state.step, steps)
            for group, scale in zip(run.optimizer.param_groups, run.scales, strict=True):
                group["lr"] = rate * scale
        step = run.state.step + 1
        torch.manual_seed(derive_seed(config.split.seed, epoch, step, "dropout", accelerator.process_index))
        loss = add_gradients(accelerator, run.step_model, batch, config)
        run.optimizer.step()
        run.weights.after_step()
        run.optimizer.zero_grad()
        due = torch.full_like(loss, accelerator.is_main_process and run.checkpoints.age > CHECKPOINT_SECONDS)
        loss_sum, any_due = accelerator.reduce(torch.stack((loss, due)), "sum").tolist()
        if not math.isfinite(loss_sum):
            raise RunError(
                f"The loss is no longer a number (epoch {epoch}, step {step}). The last checkpoint is not affected. "
                f"Start a new run with a learning_rate below {config.optimization.learning_rate:g}."
            )
        run.state = replace(run.state, step=step, loss_sum=run.state.loss_sum + loss_sum)
        waited, clips = waited + batch.waited, clips + batch.size
        job.report(
            "step",
            epoch=epoch,
            epochs=config.optimization.num_epochs,
            step=step,
            steps=steps,
            loss=loss_sum / batch.size,
            learning_rate=run.optimizer.param_groups[0]["lr"],
        )
        if any_due:
            _save(job, run, run.checkpoints.write)
    seconds = max(time.perf_counter() - started, 1e-9)
    return {
        # The weights of all training trials add up to their number.
        "train_loss": run.state.loss_sum / len(job.split.train) / config.augmentation.repeated_augmentation,
        "clips_per_second": round(clips / seconds, 3),
        "data_wait": round(waited / seconds, 4),
    }


def _validate(job: TrainingJob, run: _Run) -> dict[str, Any]:
    """Validate: all processes compute logits, and the main process sends the scores (validation.py) to the others.

    Raises:
        StopRequested: The user asked the run to stop.
        RunError: The loss is not a finite number.
    """
    result: list[Any] = [None]
    trial_ids = job.split.validation
    model = job.accelerator.unwrap_model(run.model)
    with run.weights.for_prediction(), gathered(model):
        logits = logits_of(model, job.reader, trial_ids, job.accelerator.device, lambda done, of: job.stop.alone())
    if job.accelerator.is_main_process:
        y = torch.tensor([job.values[trial] for trial in trial_ids])
        surgeons = [job.surgeons[trial] for trial in trial_ids]
        result = [scores_of_logits(logits, y, job.target, run.class_weights, surgeons)]
    broadcast_object_list(result)
    found: dict[str, Any] = result[0]
    if not math.isfinite(found["val_loss"]):
        raise RunError(
            f"The validation loss is no longer a number. The last checkpoint is not affected. Start a new run with a "
            f"learning_rate below {job.config.optimization.learning_rate:g}."
        )
    return found
