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
from socal_core.errors import RunError
from socal_core.evaluation.metrics import metrics_of
from socal_core.evaluation.predict import probabilities_of
from socal_core.evaluation.predictors import logits_of
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
from socal_core.training.stop import StopRequested
from socal_core.training.trained_weights import TrainedWeights


@dataclass(frozen=True)
class TrainingJob:
    """Everything that training needs; the worker creates it."""

    run: RunFolder
    config: TrainConfig
    classifier: VideoClassifier
    reader: ClipReader
    split: Split
    """The split, without trials that have no clip."""
    labels: Mapping[str, int]
    """The label of each trial, 0 or 1, by trial_id."""
    accelerator: Accelerator
    report: Callable[..., None]
    """`EventLog.append` in the main process, nothing in the others."""
    check_stop: Callable[[], None]
    """Raises StopRequested if the user asked the run to stop."""


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
    class_weights: torch.Tensor
    """The weights of failure and success, (2,)."""
    weights: TrainedWeights
    scales: list[float]
    """The learning rate of each group of parameters as a fraction of that of the head."""
    checkpoints: Checkpoints
    state: TrainingState = field(default_factory=TrainingState)

    @property
    def tensors(self) -> dict[str, Any]:
        """The state dicts of all parts."""
        return {name: part.state_dict() for name, part in self.parts.items()}


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
    writes = job.accelerator.is_main_process
    try:
        while _goes_on(run.state, job.config.optimization):
            _train_and_validate(job, run)
            if writes:
                run.checkpoints.offer(run.state, run.tensors)
            job.accelerator.wait_for_everyone()
    except StopRequested:
        if writes and run.state != TrainingState():
            run.checkpoints.write(run.state, run.tensors)
        raise
    except BaseException as error:
        run.checkpoints.rescue_best()
        if not is_out_of_memory(error):
            raise
        trials = min(job.config.optimization.batch_size, len(job.split.train))
        clips = trials * job.config.augmentation.repeated_augmentation
        raise RunError(smaller(job.config, -(-clips // job.accelerator.num_processes))) from error
    if writes:
        run.checkpoints.write(run.state, run.tensors)


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
    optimizer = make_optimizer(job.classifier.model, job.config.optimization)
    scales = [group["lr"] / job.config.optimization.learning_rate for group in optimizer.param_groups]
    scheduler = make_scheduler(optimizer, job.config.optimization)
    model, optimizer = job.accelerator.prepare(job.classifier.model, optimizer)
    trained = TrainedWeights(job.classifier.model, job.config)
    parts = {"optimizer": optimizer, "scheduler": scheduler, "weights": trained}
    if job.accelerator.scaler is not None:
        parts["scaler"] = job.accelerator.scaler
    weights = class_weights([job.labels[trial] for trial in job.split.train])
    checkpoints = Checkpoints(job.run, job.classifier, trained.of_prediction)
    run = _Run(model, _as_called(job, model), optimizer, scheduler, parts, weights, trained, scales, checkpoints)
    if resume_from is not None:
        run.state = read_training_state(resume_from)
        for name, tensors in load_tensors(resume_from).items():
            try:
                parts[name].load_state_dict(tensors)
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
        job.reader, job.split.train, job.labels, run.class_weights, config, epoch, rank, run.state.step
    )
    run.model.train()
    waited, started = 0.0, time.perf_counter()
    for batch in batches:
        job.check_stop()
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
        loss_sum = float(accelerator.reduce(loss, "sum"))
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
        if accelerator.is_main_process and run.checkpoints.age > CHECKPOINT_SECONDS:
            run.checkpoints.write(run.state, run.tensors)
    seconds = max(time.perf_counter() - started, 1e-9)
    return {
        # The weights of all training trials add up to their number.
        "train_loss": run.state.loss_sum / len(job.split.train) / config.augmentation.repeated_augmentation,
        "clips_per_second": round(clips / seconds, 3),
        "data_wait": round(waited / seconds, 4),
    }


def _validate(job: TrainingJob, run: _Run) -> dict[str, Any]:
    """Validate in the main process and send the scores to the others.

    The class weights are those of the training trials. Their mean over the validation trials need not be 1, so
    `val_loss` is divided by their sum: a model that always predicts 0.5 has a loss of ln 2, as in training, for any
    fraction of successes. The divisor does not affect which epoch is the best.

    Returns:
        `val_loss`, the class-weighted mean; `val_accuracy` at 0.5 and `val_auroc` (None with one class), with the ends
        of their 95 % intervals.

    Raises:
        StopRequested: The user asked the run to stop; only with a single process.
        RunError: The loss is not a finite number.
    """
    result: list[Any] = [None]
    if job.accelerator.is_main_process:
        trial_ids = job.split.validation
        y = torch.tensor([job.labels[trial] for trial in trial_ids])

        def watch(done: int, of: int) -> None:
            # Checking for a stop needs all processes, but the others wait for this one.
            if job.accelerator.num_processes == 1:
                job.check_stop()

        model = job.accelerator.unwrap_model(run.model)
        with run.weights.for_prediction():
            logits = logits_of(model, job.reader, trial_ids, job.accelerator.device, watch)
        metrics = metrics_of(y.numpy(), probabilities_of(logits), logits.argmax(dim=-1).numpy())
        values: dict[str, Any] = {"val_loss": float(nn.functional.cross_entropy(logits, y, weight=run.class_weights))}
        for name in ("accuracy", "auroc"):
            low, high = metrics["intervals"][name] or (None, None)
            values |= {f"val_{name}": metrics[name], f"val_{name}_low": low, f"val_{name}_high": high}
        result = [values]
    broadcast_object_list(result)
    found: dict[str, Any] = result[0]
    if not math.isfinite(found["val_loss"]):
        raise RunError(
            f"The validation loss is no longer a number. The last checkpoint is not affected. Start a new run with a "
            f"learning_rate below {job.config.optimization.learning_rate:g}."
        )
    return found
