"""Training, top to bottom on one screen: epochs, steps, validation, schedule, early stopping, checkpoint.

Everything random is drawn anew from (seed, epoch), so a checkpoint at the end of an epoch holds all that a resumed run
needs to continue to the same weights.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import nn

from socal_core.clips.loader import ClipReader
from socal_core.clips.sampling import draw_seed
from socal_core.dataset.splits import Split
from socal_core.errors import RunError
from socal_core.evaluation.metrics import metrics_of
from socal_core.evaluation.predict import logits_of, probabilities_of
from socal_core.models.build import VideoClassifier
from socal_core.runs.checkpoints import TrainingState, read_training_state
from socal_core.runs.config import OptimizerName, TrainConfig
from socal_core.runs.folder import RunFolder
from socal_core.training.batches import Share, training_batches
from socal_core.training.checkpoint import load_tensors, save_checkpoint


@dataclass(frozen=True)
class Job:
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


def train(job: Job, resume_from: Path | None) -> None:
    """Train until the last epoch or early stopping; each epoch ends with its events and a complete checkpoint."""
    config, accelerator = job.config, job.accelerator
    optimizer = make_optimizer(job.classifier.model, config)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=config.scheduler_factor, patience=config.scheduler_patience
    )
    model, optimizer = accelerator.prepare(job.classifier.model, optimizer)
    parts = {"optimizer": optimizer, "scheduler": scheduler}
    if accelerator.scaler is not None:
        parts["scaler"] = accelerator.scaler
    state = TrainingState()
    if resume_from is not None:
        state = read_training_state(resume_from)
        for name, tensors in load_tensors(resume_from).items():
            parts[name].load_state_dict(tensors)
    weights = class_weights([job.labels[trial] for trial in job.split.train])

    while state.epoch < config.num_epochs and state.epochs_without_improvement < config.early_stopping_patience:
        started, epoch = time.perf_counter(), state.epoch + 1
        learning_rate = optimizer.param_groups[0]["lr"]
        training = _train_epoch(job, model, optimizer, epoch, weights)
        validation = _validate(job, model, weights)
        scheduler.step(validation["val_loss"])
        best = state.best_val_loss is None or validation["val_loss"] < state.best_val_loss
        state = (
            TrainingState(epoch, best_epoch=epoch, best_val_loss=validation["val_loss"])
            if best
            else replace(state, epoch=epoch, epochs_without_improvement=state.epochs_without_improvement + 1)
        )
        job.report(
            "epoch",
            epoch=epoch,
            epochs=config.num_epochs,
            **training,
            **validation,
            learning_rate=learning_rate,
            seconds=round(time.perf_counter() - started, 3),
            best=best,
        )
        if accelerator.is_main_process:
            save_checkpoint(job.run, job.classifier, state, {name: part.state_dict() for name, part in parts.items()})
        accelerator.wait_for_everyone()


def _train_epoch(job: Job, model: nn.Module, optimizer: Any, epoch: int, weights: torch.Tensor) -> dict[str, float]:
    """One pass over the training trials; the class-weighted mean loss, the share of the time spent on waiting."""
    config, accelerator = job.config, job.accelerator
    torch.manual_seed(draw_seed(config.seed, epoch, "dropout", accelerator.process_index))
    steps = math.ceil(len(job.split.train) / config.batch_size)
    share = Share(accelerator.process_index, accelerator.num_processes, accelerator.device)
    batches = training_batches(job.reader, job.split.train, job.labels, weights, config, epoch, share)
    model.train()
    losses, waited, started = [], 0.0, time.perf_counter()
    for step, batch in enumerate(batches, start=1):
        job.check_stop()
        logits = model(pixel_values=batch.pixel_values).logits.float()
        own = nn.functional.cross_entropy(logits, batch.labels, reduction="none") * batch.weights
        partner = nn.functional.cross_entropy(logits, batch.partner_labels, reduction="none") * batch.partner_weights
        loss = (batch.lam * own + (1 - batch.lam) * partner).sum()
        # Processes' gradients are averaged, their losses are shares of a sum: hence the factor.
        accelerator.backward(loss * accelerator.num_processes)
        optimizer.step()
        optimizer.zero_grad()
        value = float(accelerator.reduce(loss.detach(), "sum"))
        if not math.isfinite(value):
            raise RunError(
                f"The loss is no longer a number (epoch {epoch}, step {step}). "
                f"Start a new run with a learning_rate below {config.learning_rate:g}."
            )
        losses.append(value * batch.total_weight)
        waited += batch.waited
        job.report(
            "step",
            epoch=epoch,
            epochs=config.num_epochs,
            step=step,
            steps=steps,
            loss=value,
            learning_rate=optimizer.param_groups[0]["lr"],
        )
    train_loss = sum(losses) / float(weights[[job.labels[trial] for trial in job.split.train]].sum())
    return {"train_loss": train_loss, "data_wait": round(waited / (time.perf_counter() - started), 4)}


def _validate(job: Job, model: nn.Module, weights: torch.Tensor) -> dict[str, Any]:
    """Class-weighted loss, accuracy at 0.5 and AUROC on the validation trials, computed once for all processes."""
    result: list[Any] = [None]
    if job.accelerator.is_main_process:
        trial_ids = job.split.validation
        y = torch.tensor([job.labels[trial] for trial in trial_ids])
        logits = logits_of(job.accelerator.unwrap_model(model), job.reader, trial_ids, job.accelerator.device)
        loss = nn.functional.cross_entropy(logits, y, weight=weights)
        metrics = metrics_of(y.numpy(), probabilities_of(logits), logits.argmax(dim=-1).numpy())
        result = [{"val_loss": float(loss), "val_accuracy": metrics["accuracy"], "val_auroc": metrics["auroc"]}]
    broadcast_object_list(result)
    values: dict[str, Any] = result[0]
    if not math.isfinite(values["val_loss"]):
        raise RunError(
            f"The validation loss is no longer a number. Start a new run with a lower learning_rate than "
            f"{job.config.learning_rate:g}."
        )
    return values


def class_weights(labels: list[int]) -> torch.Tensor:
    """The weight of each class, n / (2 n_class), shape (2,): both outcomes count alike however common they are."""
    counts = np.bincount(labels, minlength=2)
    if not counts.all():
        raise RunError(
            "The training trials all end alike: there is nothing to learn. Choose another seed or more data."
        )
    return torch.tensor(len(labels) / (2 * counts), dtype=torch.float32)


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW, or SGD with momentum 0.9, over all weights of the model."""
    if config.optimizer is OptimizerName.SGD:
        return torch.optim.SGD(
            model.parameters(), lr=config.learning_rate, momentum=0.9, weight_decay=config.weight_decay
        )
    return torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
