"""Training, top to bottom on one screen: epochs, steps, validation, schedule, early stopping, checkpoint.

Everything random is drawn anew from (seed, epoch, step or trial), so a checkpoint needs no random state: a resumed run
continues to the same weights from wherever it was killed.
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
from socal_core.runs.checkpoint_folders import read_training_state
from socal_core.runs.files.records import TrainingState
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, OptimizationSettings, TrainConfig
from socal_core.splits import Split
from socal_core.training.batches import Share, training_batches
from socal_core.training.checkpoint_io import CHECKPOINT_SECONDS, Checkpoints, load_tensors
from socal_core.training.objective import add_gradients, class_weights, make_optimizer, make_scheduler
from socal_core.training.stop import StopRequested


@dataclass(frozen=True)
class TrainingJob:
    """All that training needs, made by the worker."""

    run: RunFolder
    config: TrainConfig
    classifier: VideoClassifier
    reader: ClipReader
    split: Split
    """Trials that have a clip."""
    labels: Mapping[str, int]
    """0 or 1 by trial_id."""
    accelerator: Accelerator
    report: Callable[..., None]
    """`EventLog.append` in the main process, nothing in the others."""
    check_stop: Callable[[], None]
    """Raises when the user asked to stop."""


@dataclass
class _Run:
    """What changes while a run is trained."""

    model: nn.Module
    optimizer: Any
    scheduler: torch.optim.lr_scheduler.ReduceLROnPlateau
    parts: dict[str, Any]
    """Everything with a state of its own, by the name that it has in a checkpoint."""
    weights: torch.Tensor
    """Of the classes, (2,)."""
    checkpoints: Checkpoints
    state: TrainingState = field(default_factory=TrainingState)

    @property
    def tensors(self) -> dict[str, Any]:
        """State dicts of all parts."""
        return {name: part.state_dict() for name, part in self.parts.items()}


def train(job: TrainingJob, resume_from: Path | None) -> None:
    """Train until the last epoch or early stopping; the last epoch and the best leave a complete checkpoint.

    So do a stop, also within an epoch, and others in between. All that is random is drawn from (seed, epoch, step or
    trial): numbers alone tell a resumed run where it is.
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
        batch_size = min(job.config.optimization.batch_size, len(job.split.train))
        raise RunError(smaller(job.config, -(-batch_size // job.accelerator.num_processes))) from error
    if writes:
        run.checkpoints.write(run.state, run.tensors)


def _goes_on(state: TrainingState, settings: OptimizationSettings) -> bool:
    patience = settings.early_stopping_patience if settings.use_early_stopping else math.inf
    return state.epoch < settings.num_epochs and state.epochs_without_improvement < patience


def _train_and_validate(job: TrainingJob, run: _Run) -> None:
    """One epoch, or what is left of it: the step of the schedule, the new state, the event."""
    started, epoch = time.perf_counter(), run.state.epoch + 1
    learning_rate = run.optimizer.param_groups[0]["lr"]
    training = _train_epoch(job, run, epoch)
    validation = _validate(job, run)
    if job.config.optimization.use_lr_scheduler:
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
    """Build model, optimizer and schedule, as new or as a checkpoint left them.

    Raises:
        RunError: The checkpoint was written by an earlier version and its optimizer state does not fit this one.
    """
    if job.config.machine.gradient_checkpointing:
        job.classifier.model.activation_checkpointing_enable()
    optimizer = make_optimizer(job.classifier.model, job.config.optimization)
    scheduler = make_scheduler(optimizer, job.config.optimization)
    model, optimizer = job.accelerator.prepare(job.classifier.model, optimizer)
    parts = {"optimizer": optimizer, "scheduler": scheduler}
    if job.accelerator.scaler is not None:
        parts["scaler"] = job.accelerator.scaler
    weights = class_weights([job.labels[trial] for trial in job.split.train])
    run = _Run(model, optimizer, scheduler, parts, weights, Checkpoints(job.run, job.classifier))
    if resume_from is not None:
        run.state = read_training_state(resume_from)
        for name, tensors in load_tensors(resume_from).items():
            try:
                parts[name].load_state_dict(tensors)
            except ValueError:  # another number of parameter groups, or groups of another size
                raise RunError(
                    f"Run {job.run.name} cannot be resumed: an earlier version wrote its checkpoints, and their "
                    f"optimizer state does not fit this version. {HOW_TO_TRAIN_FURTHER}"
                ) from None
    return run


def _train_epoch(job: TrainingJob, run: _Run, epoch: int) -> dict[str, float]:
    """Train on what is left of an epoch.

    Returns:
        `train_loss`, the class-weighted mean over all training trials of the epoch; `clips_per_second`; and
        `data_wait`, the share of the time spent on waiting for clips.

    Raises:
        StopRequested: The user asked to stop; raised between two steps.
    """
    config, accelerator = job.config, job.accelerator
    steps, clips = math.ceil(len(job.split.train) / config.optimization.batch_size), 0
    share = Share(accelerator.process_index, accelerator.num_processes, accelerator.device)
    batches = training_batches(
        job.reader, job.split.train, job.labels, run.weights, config, epoch, share, run.state.step
    )
    run.model.train()
    waited, started = 0.0, time.perf_counter()
    for batch in batches:
        job.check_stop()
        step = run.state.step + 1
        torch.manual_seed(derive_seed(config.split.seed, epoch, step, "dropout", accelerator.process_index))
        loss = add_gradients(accelerator, run.model, batch, config.machine.accumulation_steps)
        run.optimizer.step()
        run.optimizer.zero_grad()
        loss_sum = float(accelerator.reduce(loss, "sum"))
        if not math.isfinite(loss_sum):
            raise RunError(
                f"The loss is no longer a number (epoch {epoch}, step {step}). The last checkpoint is from before. "
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
        "train_loss": run.state.loss_sum / len(job.split.train),
        "clips_per_second": round(clips / seconds, 3),
        "data_wait": round(waited / seconds, 4),
    }


def _validate(job: TrainingJob, run: _Run) -> dict[str, Any]:
    """Measure the validation trials, once for all processes.

    The class weights are those of the training trials. They need not average 1 over the validation trials, so
    `val_loss` is divided by the sum of their weights: a model that always says 0.5 has ln 2, as in training, whatever
    share of the validation trials is a success. Which epoch is the best does not depend on this divisor.

    Returns:
        `val_loss`, the class-weighted mean; `val_accuracy` at 0.5 and `val_auroc` (None with one class), with the ends
        of their 95 % intervals.

    Raises:
        StopRequested: The user asked to stop; only where this process is the only one.
        RunError: The loss is not a finite number.
    """
    result: list[Any] = [None]
    if job.accelerator.is_main_process:
        trial_ids = job.split.validation
        y = torch.tensor([job.labels[trial] for trial in trial_ids])

        def watch(done: int, of: int) -> None:
            # To ask for a stop takes all processes, and the others wait.
            if job.accelerator.num_processes == 1:
                job.check_stop()

        model = job.accelerator.unwrap_model(run.model)
        logits = logits_of(model, job.reader, trial_ids, job.accelerator.device, watch)
        metrics = metrics_of(y.numpy(), probabilities_of(logits), logits.argmax(dim=-1).numpy())
        values: dict[str, Any] = {"val_loss": float(nn.functional.cross_entropy(logits, y, weight=run.weights))}
        for name in ("accuracy", "auroc"):
            low, high = metrics["intervals"][name] or (None, None)
            values |= {f"val_{name}": metrics[name], f"val_{name}_low": low, f"val_{name}_high": high}
        result = [values]
    broadcast_object_list(result)
    found: dict[str, Any] = result[0]
    if not math.isfinite(found["val_loss"]):
        raise RunError(
            f"The validation loss is no longer a number. The last checkpoint is from before. Start a new run with a "
            f"learning_rate below {job.config.optimization.learning_rate:g}."
        )
    return found


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on a GPU or on the CPU, for which PyTorch has no error of its own."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


def smaller(config: TrainConfig, clips: int) -> str:
    """What to change when a step of so many clips on a device needs more memory than there is; the least first."""
    if config.machine.accumulation_steps < clips:
        steps = min(2 * config.machine.accumulation_steps, clips)
        change = f"accumulation_steps {steps} in place of {config.machine.accumulation_steps}: fewer clips at a time"
    elif not config.machine.gradient_checkpointing:
        change = "gradient_checkpointing on, which takes a third more time"
    elif config.clip.num_frames > 2:
        frames = max(2, config.clip.num_frames // 4 * 2)
        change = f"num_frames {frames} in place of {config.clip.num_frames}"
    else:
        change = f"a smaller model, such as {TINY}"
    return f"There is not enough memory for a training step. Start a new run with {change}."
