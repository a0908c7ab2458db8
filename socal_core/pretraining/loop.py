"""The loop of pre-training, with checkpoints and resume. A task says what the network learns, and from what.

All random numbers of a task depend only on its settings and the step. So a checkpoint needs no random state, and a run
that is killed and resumed ends with the same weights as an uninterrupted one.
"""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import nn

from socal_core.errors import RunError, SocalError
from socal_core.pretraining.pretrain_files import (
    append_log,
    load_checkpoint,
    remove_leftovers,
    save_checkpoint,
    trim_log,
)
from socal_core.storage import try_lock, write_json

SUMMARY_FILE = "summary.json"
LOCK_FILE = "pretrain.lock"
CHECKPOINT_SECONDS = 300.0
REPORT_STEPS = 10

Network = TypeVar("Network", bound=nn.Module)
Trained = TypeVar("Trained", bound=nn.Module, contravariant=True)


class Ending(StrEnum):
    """How a pre-training run ended."""

    DONE = "done"
    STOPPED = "stopped"
    """The observer stopped it. It wrote a checkpoint and can be resumed."""
    WAS_DONE = "was done"
    """The run was finished before the call."""


@dataclass(frozen=True)
class Observer:
    """Functions that the loop calls. The defaults do nothing."""

    report: Callable[[dict[str, Any]], None] = lambda values: None
    """Called every few steps with the values that are written to the log: step, losses and seconds."""
    stage: Callable[[str, int, int], None] = lambda name, done, total: None
    """Called often with the current stage, the number of finished items and of all items."""
    stop: Callable[[], bool] = lambda: False
    """Called often. If it returns True, a checkpoint is written and the call returns."""
    notice: Callable[[str], None] = lambda text: None
    """Called with what the user should know about the input."""

    def show(self, name: str, done: int, total: int) -> None:
        """Report the stage, and raise Stopped if `stop` returns True."""
        self.stage(name, done, total)
        if self.stop():
            raise Stopped


class Stopped(Exception):  # noqa: N818 - it is not an error
    """The observer asked to stop."""


class Source(Protocol[Trained]):
    """The input of a run, while it is open."""

    @property
    def steps(self) -> int:
        """The number of steps."""

    def rate_at(self, step: int) -> float:
        """Compute the learning rate of a step, counted from 0."""

    def inputs(self, step: int) -> tuple[Any, ...]:
        """Return the arguments of the network for a step, which follows the step of the call before."""

    def finish(self, network: Trained) -> dict[str, Any]:
        """Write the model of a network that is trained, and return what the summary adds to the settings."""


class Task(Protocol[Network]):
    """What a network learns, and from what."""

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that the result depends on, by name, as JSON can hold it. A resumed run must have the same."""

    @property
    def weight_decay(self) -> float:
        """The weight decay of matrices; biases and norms have none."""

    @property
    def betas(self) -> tuple[float, float]:
        """The momenta of AdamW."""

    @property
    def rate_factors(self) -> Mapping[str, float]:
        """Factors of the learning rate by prefix of the weights' names; 1 for all others."""

    def differing(self, started_with: dict[str, Any]) -> str:
        """Say what a run was started with and how to resume it.

        Args:
            started_with: The settings of the run that are others than those of the task, by name.

        Returns:
            The end of a sentence that begins with `MODEL was started with`, and what to do.
        """

    def new_network(self) -> Network:
        """Return the network before its first step. It maps the inputs to losses by name, scalars to be added."""

    def opened(self, out: Path, device: torch.device, observer: Observer) -> AbstractContextManager[Source[Network]]:
        """Open the input.

        Args:
            out: The folder of the model, which exists.
            device: The device that the inputs are needed on.
            observer: Receives the progress, and may stop the run.
        """


def run_task(
    out: Path,
    make_task: Callable[[], Task[Network]],
    resume: bool = False,
    observer: Observer | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Ending:
    """Pre-train a model and write it as a Hugging Face model folder.

    Args:
        out: A folder that does not exist, or is empty except for a lock; with `resume`, the folder of an earlier call.
        make_task: Returns the task. To resume, its settings must be those of the earlier call.
        resume: Continue from the checkpoint in `out`.
        observer: Receives the progress, and may stop the call.
        checkpoint_seconds: Time between checkpoints in seconds.

    Returns:
        How the call ended.

    Raises:
        RunError: `out` exists already or is in use; or it has nothing to resume, its checkpoint is damaged, or it was
            started with other settings.
        SocalError: The task cannot be done. If nothing is to be resumed, no folder is left behind.
        OSError: A file cannot be written. The last checkpoint is kept.
    """
    if not resume and out.exists() and not (out.is_dir() and _is_unused(out)):
        raise RunError(f"{out.name} exists already. Choose another folder, or continue with --resume.")
    if resume and not out.is_dir():
        raise RunError(f"{out.name} is not a folder, so there is nothing to resume. Start without --resume.")
    out.mkdir(parents=True, exist_ok=True)
    lock = try_lock(out / LOCK_FILE)
    if lock is None:
        raise RunError(f"{out.name} is in use by another process. Wait until it ends, or stop it.")
    try:
        run = _Run(out, make_task(), observer or Observer())
        if resume:
            run.step, run.seconds = load_checkpoint(out, run.task.settings, run.task.differing, run.network, run.adam)
            remove_leftovers(out)
            if (out / SUMMARY_FILE).is_file():
                return Ending.WAS_DONE
            trim_log(out, run.step)
        return run.train(checkpoint_seconds)
    except SocalError:
        if _is_unused(out):
            (out / LOCK_FILE).unlink()
            out.rmdir()
        raise
    finally:
        os.close(lock)


def _is_unused(out: Path) -> bool:
    """Whether a folder holds at most the lock, because its input could not be opened or the process was killed."""
    return all(file.name == LOCK_FILE for file in out.iterdir())


class _Run(Generic[Network]):
    """A pre-training run and its progress."""

    def __init__(self, out: Path, task: Task[Network], observer: Observer) -> None:
        self.out, self.task, self.observer = out, task, observer
        self.device = torch.accelerator.current_accelerator() or torch.device("cpu")
        self.network = task.new_network().to(self.device)
        self.adam = _optimizer(self.network, task)
        self.step, self.seconds = 0, 0.0

    def train(self, checkpoint_seconds: float) -> Ending:
        """Do the remaining steps, and write the model."""
        try:
            with self.task.opened(self.out, self.device, self.observer) as source:
                if self.step == 0:
                    self.save()
                self._do_steps(source, checkpoint_seconds)
                self.save()
                more = source.finish(self.network)
        except Stopped:
            self.save()
            return Ending.STOPPED
        values = {"device": str(self.device), "seconds": round(self.seconds), **more}
        write_json(self.out / SUMMARY_FILE, {**self.task.settings, **values})
        return Ending.DONE

    def save(self) -> None:
        """Write a checkpoint of the current step."""
        save_checkpoint(self.out, self.task.settings, self.network, self.adam, self.step, self.seconds)

    def _do_steps(self, source: Source[Network], checkpoint_seconds: float) -> None:
        before, steps = self.seconds, source.steps
        saved = started = time.monotonic()
        while self.step < steps:
            self.observer.show("Training", self.step, steps)
            losses = self._do_step(source)
            self.step += 1
            self.seconds = before + time.monotonic() - started
            if self.step % REPORT_STEPS == 0 or self.step == steps:
                values = {"step": self.step, **{name: round(float(loss), 5) for name, loss in losses.items()}}
                values["seconds"] = round(self.seconds, 1)
                append_log(self.out, values)
                self.observer.report(values)
            if time.monotonic() - saved > checkpoint_seconds and self.step < steps:
                self.save()
                saved = time.monotonic()

    def _do_step(self, source: Source[Network]) -> dict[str, torch.Tensor]:
        for group in self.adam.param_groups:
            # Checkpoints on generated clips by earlier versions have no factor.
            group["lr"] = group.get("rate_factor", 1.0) * source.rate_at(self.step)
        self.network.train()
        inputs = source.inputs(self.step)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type != "cpu"):
            losses: dict[str, torch.Tensor] = self.network(*inputs)
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.adam.step()
        self.adam.zero_grad()
        return {name: loss.detach() for name, loss in losses.items()}


def _optimizer(network: Network, task: Task[Network]) -> torch.optim.Optimizer:
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, weight in network.named_parameters():
        factor = next((factor for start, factor in task.rate_factors.items() if name.startswith(start)), 1.0)
        groups.setdefault((factor, task.weight_decay if weight.ndim > 1 else 0.0), []).append(weight)
    return torch.optim.AdamW(
        [
            {"params": weights, "rate_factor": factor, "weight_decay": decay}
            for (factor, decay), weights in sorted(groups.items(), key=lambda group: group[0], reverse=True)
        ],
        betas=task.betas,
    )
