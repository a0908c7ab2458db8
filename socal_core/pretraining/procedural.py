"""Pre-train the small VideoMAE on procedural clips, which are rendered in pools (pool.py)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import VideoMAEConfig

from socal_core.clips.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocessor
from socal_core.clips.sampling import derive_seed
from socal_core.pretraining.loop import Observer
from socal_core.pretraining.pool import PATCH, ClipPool, generate_clips
from socal_core.pretraining.pretrain_files import write_model_folder
from socal_core.pretraining.pretrain_objective import MASKED_FRACTION, Pretrainer, sample_masks
from socal_core.pretraining.pretrain_settings import Objective, PretrainSettings
from socal_core.pretraining.targets import CLIP_NAMES, TOKEN_NAMES, Scaling
from socal_core.runs.architecture import TINY_ARCHITECTURE

HELD_OUT_BATCH = 32


class ProceduralTask:
    """Learn the parameters of generated scenes, their masked patches, or both."""

    weight_decay = 0.05
    betas = (0.9, 0.98)
    rate_factors: Mapping[str, float] = {}

    def __init__(self, settings: PretrainSettings) -> None:
        self.settings = settings.as_dict()
        self._settings = settings

    def differing(self, started_with: dict[str, Any]) -> str:
        """List the settings as options."""
        options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in started_with.items())
        return f"other settings. Resume it with {options}."

    def new_network(self) -> Pretrainer:
        """Create a network with random weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._settings.seed)
            return Pretrainer(model_config(self._settings.frames), self._settings.objective)

    @contextmanager
    def opened(self, out: Path, device: torch.device, observer: Observer) -> "Iterator[_GeneratedClips]":
        """Measure the scaling of the targets, and open the pool of clips."""
        yield _GeneratedClips(self._settings, out, device, observer)


class _GeneratedClips:
    """The generated clips of a run, and their standardized targets."""

    def __init__(self, settings: PretrainSettings, out: Path, device: torch.device, observer: Observer) -> None:
        self.steps = settings.steps
        self._settings, self._out, self._device, self._observer = settings, out, device, observer
        show = partial(observer.show, "Rendering clips")
        seed = derive_seed(settings.seed, "scaling")
        clips = generate_clips(settings.scaling_clips, settings.frames, seed, device, show)
        self._scaling = Scaling.of(clips[1])
        self._pool = ClipPool(settings, device, show)

    def rate_at(self, step: int) -> float:
        """Return the learning rate that the settings give a step."""
        return self._settings.rate_at(step)

    def inputs(self, step: int) -> tuple[Any, ...]:
        """Return normalized clips, their targets and their masks."""
        video, targets = self._pool.batch(step)
        patches = (TINY_ARCHITECTURE.image_size // PATCH) ** 2
        generator = torch.Generator(video.device).manual_seed(derive_seed(self._settings.seed, step, "masks"))
        times = self._settings.frames // TINY_ARCHITECTURE.tubelet_size
        masked = sample_masks(len(video), times, patches, generator, MASKED_FRACTION)
        return _normalized(video), self._scaling(targets), masked

    def finish(self, network: Pretrainer) -> dict[str, Any]:
        """Write the model, and measure R² on clips that were not used for training."""
        write_model(network, self._settings.frames, self._out)
        return {"held_out_r2": self._held_out_scores(network)}

    @torch.no_grad()
    def _held_out_scores(self, network: Pretrainer) -> dict[str, float]:
        """Compute R² of each target on clips that were not used for training; empty for the masked objective."""
        settings = self._settings
        if settings.objective is Objective.MASKED:
            return {}
        network.eval()
        found: list[tuple[torch.Tensor, ...]] = []
        for start in range(0, settings.held_out_clips, HELD_OUT_BATCH):
            self._observer.show("Measuring", start, settings.held_out_clips)
            seed = derive_seed(settings.seed, "held out", start // HELD_OUT_BATCH)
            clips = min(HELD_OUT_BATCH, settings.held_out_clips - start)
            video, targets = generate_clips(clips, settings.frames, seed, self._device)
            scaled = self._scaling(targets)
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


def write_model(network: Pretrainer, frames: int, out: Path) -> None:
    """Write the encoder in float16, with its configuration and preprocessing, as a Hugging Face model folder."""
    config = model_config(frames)
    config.architectures = ["VideoMAEForVideoClassification"]
    encoder = {f"videomae.{name}": value for name, value in network.model.videomae.state_dict().items()}
    norm = {f"fc_norm.{name}": value for name, value in network.norm.state_dict().items()}
    weights = {name: value.half() for name, value in {**encoder, **norm}.items()}
    write_model_folder(out, config, weights, Preprocessor.whole_frame(TINY_ARCHITECTURE.image_size))


def _normalized(video: torch.Tensor) -> torch.Tensor:
    """Convert clips from bytes to the normalized input of the model."""
    mean, std = (torch.tensor(values, device=video.device).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (video.float() / 255 - mean) / std
