"""Pre-train the small VideoMAE on procedural clips, with checkpoints and resume.

Clips are drawn in pools (pool.py), and everything random follows from the seed, the pool and the step. So a checkpoint
holds no random state, and a run that was killed continues to the same weights as one that was not.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import VideoMAEConfig

from socal_core.clips.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocessor
from socal_core.clips.sampling import draw_seed
from socal_core.errors import ConfigError, RunError
from socal_core.files import write_json
from socal_core.pretraining.objective import Objective, Pretrainer, draw_masks
from socal_core.pretraining.pool import PATCH, ClipPool, draw_clips
from socal_core.pretraining.targets import CLIP_NAMES, TOKEN_NAMES, Scaling
from socal_core.runs.architecture import TINY_ARCHITECTURE

FRAMES = 16
CHECKPOINT_FILE = "checkpoint.pt"
LOG_FILE = "log.jsonl"
SUMMARY_FILE = "summary.json"
CHECKPOINT_SECONDS = 300.0
REPORT_STEPS = 50
WARM_UP = 0.05
"""Share of the steps over which the learning rate rises."""
WEIGHT_DECAY = 0.05
SCALING_CLIPS = 512
"""Clips on which mean and spread of the targets are measured."""
HELD_OUT_CLIPS = 1024
HELD_OUT_BATCH = 32


@dataclass(frozen=True)
class PretrainSettings:
    """Settings of pre-training; ConfigError names field, rule and value.

    The defaults take two to three hours on two cores.
    """

    steps: int = 1500
    batch_size: int = 32
    objective: Objective = Objective.PARAMETERS
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(name, "must be at least 1", getattr(self, name))

    @property
    def learning_rate(self) -> float:
        """The highest learning rate: 5e-4 for batches of 32, more for larger ones, at most 1e-3."""
        return min(1e-3, 5e-4 * math.sqrt(self.batch_size / 32))

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, from 0: linear warm-up, then a cosine to 0."""
        warm_up = max(1, round(WARM_UP * self.steps))
        if step < warm_up:
            return self.learning_rate * (step + 1) / warm_up
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, self.steps - warm_up)))


def model_config() -> VideoMAEConfig:
    """The configuration of the model that is pre-trained."""
    return VideoMAEConfig(
        **asdict(TINY_ARCHITECTURE),
        num_frames=FRAMES,
        use_mean_pooling=True,
        decoder_hidden_size=192,
        decoder_num_hidden_layers=2,
        decoder_num_attention_heads=3,
        decoder_intermediate_size=768,
    )


def pretrain(
    out: Path,
    settings: PretrainSettings,
    resume: bool = False,
    report: Callable[[dict[str, Any]], None] = lambda values: None,
) -> None:
    """Pre-train a model and write it as a Hugging Face model folder.

    Args:
        out: A folder that does not exist yet, or with `resume` one that an earlier call left behind.
        settings: What to train; when resuming they must be those of the earlier call.
        resume: Continue from the checkpoint in `out`.
        report: Called with step, loss and seconds from time to time.

    Raises:
        RunError: `out` exists already, or there is nothing in it to resume.
    """
    device = torch.accelerator.current_accelerator() or torch.device("cpu")
    if not resume and out.exists() and any(out.iterdir()):
        raise RunError(f"{out.name} exists already. Choose another folder, or continue with --resume.")
    out.mkdir(parents=True, exist_ok=True)
    network, optimizer = _new_network(settings, device)
    step, seconds = _load(out, settings, network, optimizer) if resume else (0, 0.0)
    scaling = Scaling.of(draw_clips(SCALING_CLIPS, FRAMES, draw_seed(settings.seed, "scaling"), device)[1])
    pool = ClipPool(settings.batch_size, FRAMES, settings.seed, device)
    saved = started = time.monotonic()
    seconds_before = seconds
    while step < settings.steps:
        losses = _train_step(network, optimizer, scaling, settings, step, pool)
        step += 1
        seconds = seconds_before + time.monotonic() - started
        if step % REPORT_STEPS == 0 or step == settings.steps:
            values = {"step": step, **{name: round(float(loss), 5) for name, loss in losses.items()}}
            values["seconds"] = round(seconds, 1)
            with (out / LOG_FILE).open("a", encoding="utf-8") as file:
                file.write(json.dumps(values) + "\n")
            report(values)
        if time.monotonic() - saved > CHECKPOINT_SECONDS and step < settings.steps:
            _save(out, settings, network, optimizer, step, seconds)
            saved = time.monotonic()
    _save(out, settings, network, optimizer, step, seconds)
    write_model(network, out)
    scores = _held_out_scores(network, scaling, settings, device)
    summary = {**asdict(settings), "device": str(device), "seconds": round(seconds), "held_out_r2": scores}
    write_json(out / SUMMARY_FILE, summary)


def write_model(network: Pretrainer, out: Path) -> None:
    """Write the encoder as config.json, model.safetensors (float16) and preprocessor_config.json."""
    config = model_config()
    config.architectures = ["VideoMAEForVideoClassification"]
    config.save_pretrained(out)
    encoder = {f"videomae.{name}": value for name, value in network.model.videomae.state_dict().items()}
    norm = {f"fc_norm.{name}": value for name, value in network.norm.state_dict().items()}
    weights = {name: value.half().contiguous().cpu() for name, value in {**encoder, **norm}.items()}
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    Preprocessor.for_size(TINY_ARCHITECTURE.image_size).processor.save_pretrained(out)


def _new_network(settings: PretrainSettings, device: torch.device) -> tuple[Pretrainer, torch.optim.Optimizer]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = Pretrainer(model_config(), settings.objective).to(device)
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
    generator = torch.Generator(device).manual_seed(draw_seed(settings.seed, step, "masks"))
    masked = draw_masks(len(video), FRAMES // TINY_ARCHITECTURE.tubelet_size, patches, generator)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type != "cpu"):
        losses = network(_normalized(video), scaling(targets), masked)
    torch.autograd.backward(torch.stack(list(losses.values())).sum())
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return {name: loss.detach() for name, loss in losses.items()}


def _normalized(video: torch.Tensor) -> torch.Tensor:
    """Clips as bytes to what the model is given."""
    mean, std = (torch.tensor(values, device=video.device).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (video.float() / 255 - mean) / std


@torch.no_grad()
def _held_out_scores(
    network: Pretrainer, scaling: Scaling, settings: PretrainSettings, device: torch.device
) -> dict[str, float]:
    """R² of each target on clips that training did not draw; none for the masked objective."""
    if settings.objective is Objective.MASKED:
        return {}
    network.eval()
    found: list[tuple[torch.Tensor, ...]] = []
    for number in range(HELD_OUT_CLIPS // HELD_OUT_BATCH):
        seed = draw_seed(settings.seed, "held out", number)
        video, targets = draw_clips(HELD_OUT_BATCH, FRAMES, seed, device)
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


def _save(
    out: Path,
    settings: PretrainSettings,
    network: Pretrainer,
    optimizer: torch.optim.Optimizer,
    step: int,
    seconds: float,
) -> None:
    temporary = out / f".{CHECKPOINT_FILE}.tmp"
    state = {
        "settings": {**asdict(settings), "objective": settings.objective.value},
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "seconds": seconds,
    }
    torch.save(state, temporary)
    temporary.replace(out / CHECKPOINT_FILE)


def _load(
    out: Path, settings: PretrainSettings, network: Pretrainer, optimizer: torch.optim.Optimizer
) -> tuple[int, float]:
    """Put a checkpoint's state into the network and the optimizer; steps and seconds that it took."""
    file = out / CHECKPOINT_FILE
    if not file.is_file():
        raise RunError(f"{out.name} has no {CHECKPOINT_FILE}, so there is nothing to resume. Start without --resume.")
    state = torch.load(file, map_location="cpu", weights_only=True)
    if state["settings"] != {**asdict(settings), "objective": settings.objective.value}:
        raise RunError(f"{out.name} was started with other settings ({state['settings']}). Resume it with those.")
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"]), float(state["seconds"])
