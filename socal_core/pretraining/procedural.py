"""Pre-train the small VideoMAE on procedural clips, with checkpoints and resume.

Clips are rendered in pools (pool.py), and all random numbers depend only on the seed, the pool and the step. So a
checkpoint needs no random state, and a run that is killed and resumed ends with the same weights as an uninterrupted
one.
"""

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from transformers import VideoMAEConfig

from socal_core.clips.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocessor
from socal_core.clips.sampling import derive_seed
from socal_core.errors import RunError
from socal_core.pretraining.pool import PATCH, ClipPool, generate_clips
from socal_core.pretraining.pretrain_files import (
    append_log,
    load_checkpoint,
    remove_leftovers,
    save_checkpoint,
    trim_log,
)
from socal_core.pretraining.pretrain_objective import Pretrainer, sample_masks
from socal_core.pretraining.pretrain_settings import Objective, PretrainSettings
from socal_core.pretraining.targets import CLIP_NAMES, TOKEN_NAMES, Scaling
from socal_core.runs.architecture import TINY_ARCHITECTURE
from socal_core.storage import try_lock, write_bytes, write_json

SUMMARY_FILE = "summary.json"
LOCK_FILE = "pretrain.lock"
CHECKPOINT_SECONDS = 300.0
REPORT_STEPS = 10
WEIGHT_DECAY = 0.05
HELD_OUT_BATCH = 32


class Ending(StrEnum):
    """How a call of `pretrain` ended."""

    DONE = "done"
    STOPPED = "stopped"
    """The observer stopped it. It wrote a checkpoint and can be resumed."""
    WAS_DONE = "was done"
    """The run was finished before the call."""


def model_config(frames: int) -> VideoMAEConfig:
    """Create the configuration of the model that is pre-trained, for clips of `frames` frames."""
    return VideoMAEConfig(
        **asdict(TINY_ARCHITECTURE),
        num_frames=frames,
        use_mean_pooling=True,
        decoder_hidden_size=192,
        decoder_num_hidden_layers=2,
        decoder_num_attention_heads=3,
        decoder_intermediate_size=768,
    )


@dataclass(frozen=True)
class Observer:
    """Functions that `pretrain` calls. The defaults do nothing."""

    report: Callable[[dict[str, Any]], None] = lambda values: None
    """Called every few steps with the values that are written to the log: step, losses and seconds."""
    stage: Callable[[str, int, int], None] = lambda name, done, total: None
    """Called often with the current stage, the number of finished items and of all items."""
    stop: Callable[[], bool] = lambda: False
    """Called often. If it returns True, a checkpoint is written and the call returns."""

    def show(self, name: str, done: int, total: int) -> None:
        """Report the stage, and raise Stopped if `stop` returns True."""
        self.stage(name, done, total)
        if self.stop():
            raise Stopped


class Stopped(Exception):  # noqa: N818 - it is not an error
    """The observer asked to stop."""


def pretrain(
    out: Path,
    settings: PretrainSettings,
    resume: bool = False,
    observer: Observer | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Ending:
    """Pre-train a model and write it as a Hugging Face model folder.

    Args:
        out: A folder that does not exist or is empty; with `resume`, the folder of an earlier call.
        settings: The settings of the run. To resume, they must be those of the earlier call.
        resume: Continue from the checkpoint in `out`.
        observer: Receives the progress, and may stop the call.
        checkpoint_seconds: Time between checkpoints in seconds.

    Returns:
        How the call ended.

    Raises:
        RunError: `out` exists already or is in use; or it has nothing to resume, its checkpoint is damaged, or it was
            started with other settings.
        OSError: A file cannot be written. The last checkpoint is kept.
    """
    if not resume and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out.name} exists already. Choose another folder, or continue with --resume.")
    if resume and not out.is_dir():
        raise RunError(f"{out.name} is not a folder, so there is nothing to resume. Start without --resume.")
    out.mkdir(parents=True, exist_ok=True)
    lock = try_lock(out / LOCK_FILE)
    if lock is None:
        raise RunError(f"{out.name} is in use by another process. Wait until it ends, or stop it.")
    try:
        run = _Run(out, settings, observer or Observer())
        if resume:
            run.step, run.seconds = load_checkpoint(out, settings, run.network, run.optimizer)
            remove_leftovers(out)
            if (out / SUMMARY_FILE).is_file():
                return Ending.WAS_DONE
            trim_log(out, run.step)
        return run.train(checkpoint_seconds)
    finally:
        os.close(lock)


class _Run:
    """A pre-training run and its progress."""

    def __init__(self, out: Path, settings: PretrainSettings, observer: Observer) -> None:
        self.out, self.settings, self.observer = out, settings, observer
        self.device = torch.accelerator.current_accelerator() or torch.device("cpu")
        self.network, self.optimizer = _new_network(settings, self.device)
        self.step, self.seconds = 0, 0.0

    def train(self, checkpoint_seconds: float) -> Ending:
        """Do the remaining steps, and write the model."""
        show = partial(self.observer.show, "Rendering clips")
        try:
            seed = derive_seed(self.settings.seed, "scaling")
            clips = generate_clips(self.settings.scaling_clips, self.settings.frames, seed, self.device, show)
            scaling = Scaling.of(clips[1])
            self._do_steps(scaling, ClipPool(self.settings, self.device, show), checkpoint_seconds)
            self.save()
            write_model(self.network, self.settings.frames, self.out)
            scores = _held_out_scores(self.network, scaling, self.settings, self.device, self.observer)
        except Stopped:
            self.save()
            return Ending.STOPPED
        values = {"device": str(self.device), "seconds": round(self.seconds), "held_out_r2": scores}
        write_json(self.out / SUMMARY_FILE, {**self.settings.as_dict(), **values})
        return Ending.DONE

    def save(self) -> None:
        """Write a checkpoint of the current step."""
        save_checkpoint(self.out, self.settings, self.network, self.optimizer, self.step, self.seconds)

    def _do_steps(self, scaling: Scaling, pool: ClipPool, checkpoint_seconds: float) -> None:
        before, steps = self.seconds, self.settings.steps
        saved = started = time.monotonic()
        while self.step < steps:
            self.observer.show("Training", self.step, steps)
            losses = _train_step(self.network, self.optimizer, scaling, self.settings, self.step, pool)
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


def write_model(network: Pretrainer, frames: int, out: Path) -> None:
    """Write the encoder in float16, with its configuration and preprocessing, as a Hugging Face model folder."""
    config = model_config(frames)
    config.architectures = ["VideoMAEForVideoClassification"]
    config.save_pretrained(out)
    encoder = {f"videomae.{name}": value for name, value in network.model.videomae.state_dict().items()}
    norm = {f"fc_norm.{name}": value for name, value in network.norm.state_dict().items()}
    weights = {name: value.half().contiguous().cpu() for name, value in {**encoder, **norm}.items()}
    write_bytes(out / "model.safetensors", save(weights, metadata={"format": "pt"}))
    Preprocessor.whole_frame(TINY_ARCHITECTURE.image_size).processor.save_pretrained(out)


def _new_network(settings: PretrainSettings, device: torch.device) -> tuple[Pretrainer, torch.optim.Optimizer]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = Pretrainer(model_config(settings.frames), settings.objective).to(device)
    decayed = [weight for weight in network.parameters() if weight.ndim > 1]
    others = [weight for weight in network.parameters() if weight.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    return network, torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.98))


def _train_step(
    network: Pretrainer,
    optimizer: torch.optim.Optimizer,
    scaling: Scaling,
    settings: PretrainSettings,
    step: int,
    pool: ClipPool,
) -> dict[str, torch.Tensor]:
    for group in optimizer.param_groups:
        group["lr"] = settings.rate_at(step)
    network.train()
    video, targets = pool.batch(step)
    device = video.device
    patches = (TINY_ARCHITECTURE.image_size // PATCH) ** 2
    generator = torch.Generator(device).manual_seed(derive_seed(settings.seed, step, "masks"))
    masked = sample_masks(len(video), settings.frames // TINY_ARCHITECTURE.tubelet_size, patches, generator)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type != "cpu"):
        losses = network(_normalized(video), scaling(targets), masked)
    torch.autograd.backward(torch.stack(list(losses.values())).sum())
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return {name: loss.detach() for name, loss in losses.items()}


def _normalized(video: torch.Tensor) -> torch.Tensor:
    """Convert clips from bytes to the normalized input of the model."""
    mean, std = (torch.tensor(values, device=video.device).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (video.float() / 255 - mean) / std


@torch.no_grad()
def _held_out_scores(
    network: Pretrainer, scaling: Scaling, settings: PretrainSettings, device: torch.device, observer: Observer
) -> dict[str, float]:
    """Compute R² of each target on clips that were not used for training; empty for the masked objective."""
    if settings.objective is Objective.MASKED:
        return {}
    network.eval()
    found: list[tuple[torch.Tensor, ...]] = []
    for start in range(0, settings.held_out_clips, HELD_OUT_BATCH):
        observer.show("Measuring", start, settings.held_out_clips)
        seed = derive_seed(settings.seed, "held out", start // HELD_OUT_BATCH)
        clips = min(HELD_OUT_BATCH, settings.held_out_clips - start)
        video, targets = generate_clips(clips, settings.frames, seed, device)
        scaled = scaling(targets)
        clip, token = network.predict(_normalized(video))
        found.append((clip, scaled.clip, token.flatten(0, 1), scaled.token.flatten(0, 1)))
    clip, true_clip, token, true_token = (torch.cat(parts).float() for parts in zip(*found, strict=True))
    scores: dict[str, float] = {}
    for prefix, names, guess, truth in (
        ("", CLIP_NAMES, clip, true_clip),
        ("token: ", TOKEN_NAMES, token, true_token),
    ):
        r2 = 1 - ((guess - truth) ** 2).mean(0) / truth.var(0).clamp(min=1e-6)
        scores |= {f"{prefix}{name}": round(float(value), 3) for name, value in zip(names, r2, strict=True)}
    return scores
