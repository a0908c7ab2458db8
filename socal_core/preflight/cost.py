"""Estimates of the time, memory and disk space that a run needs on this machine.

The time is the number of operations divided by the speed of the newest run with the same model and number of frames,
or, if there is none, by the speed measured for VideoMAE base. The memory follows from the sizes of the model
(runs/architecture.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from socal_core.errors import SocalError
from socal_core.preflight.machine import Gpu, Machine
from socal_core.preflight.training_step import (
    GPU_CONTEXT_BYTES,
    PROCESS_BYTES,
    checkpoint_bytes,
    devices,
    epoch_flop,
    memory_of,
    passes,
    trained_parameters,
)
from socal_core.runs.architecture import COLOURS, FLOAT32, Architecture, architecture_for, input_sizes
from socal_core.runs.checkpoint_folders import KEPT
from socal_core.runs.events import epochs_table, read_events
from socal_core.runs.folder import RunFolder
from socal_core.settings import (
    IMAGE_ENCODER,
    IMAGE_SIZE,
    TINY,
    VIDEO_ENCODER,
    Recipe,
    TrainConfig,
)

CORE_SPEED = 70e9
"""FLOP per second and core in float32: a training clip of VideoMAE base (1.1 TFLOP) took 7.6 s on two cores."""
GPU_SPEED = 20e12
"""FLOP per second in 16 bits of a GPU without a measured run: typical of a mid-range GPU."""
KEPT_CHECKPOINTS = KEPT + 1
"""Number of checkpoints on disk, including the best one."""
STARTING_SECONDS = 10
"""Time to load PyTorch, the model and the data set."""
EPOCH_SECONDS = 0.8
"""Time per epoch outside the model, if no run was measured: 0.8 of 1.9 s for the demo on two cores."""
IMAGE_PARAMETERS = 3_350_000
"""Number of weights of EfficientNet-Lite0 without its classifier and with its normalizations merged."""
IMAGE_FLOP = 2 * 0.385e9 * (IMAGE_SIZE / 224) ** 2
"""FLOP per frame of EfficientNet-Lite0: 385 million multiply-adds at 224 px (the published figure)."""
IMAGE_CORE_SPEED = 35e9
"""FLOP per second and core of EfficientNet-Lite0, whose small layers are slower: a frame of 224 px took 22 ms."""
HEAD_SECONDS = 0.03
"""Time per trial to choose and fit the head: 2 s for 64 trials and 6 s for 500, on one core."""
HEAD_BYTES = 1e6
"""The largest size of a head on disk."""
FORWARD_COPIES = 12
"""Memory of the layers of an encoder, as a multiple of the size of the pixels of a clip."""
FEWEST_EPOCHS = 2
"""Epochs that a run needs for its speed to count, because the first epoch is slower than the others."""
DAY = 86_400


@dataclass(frozen=True)
class Cost:
    """What a run needs. Sizes are in bytes, times in seconds."""

    parameters: int
    """Number of weights."""
    trained_parameters: int
    """Number of weights that are trained; 0 with frozen features."""
    tokens: int
    """Number of tokens per clip."""
    clip_flop: float
    """Operations to train on one clip once."""
    training_clips: int
    """Training clips per epoch."""
    evaluation_clips: int
    """Validation clips per epoch."""
    epoch_seconds: float
    seconds: float
    """Time for all epochs, including the start of the run and the final predictions."""
    measured: bool
    """Whether the time comes from a run on this machine."""
    memory: float
    """Peak memory of each GPU if there is one, else of the process."""
    on_gpu: bool
    checkpoints: float
    """Size of the checkpoints on disk."""
    warnings: tuple[str, ...]
    """What does not fit or takes days, and what to change."""


def estimate(
    config: TrainConfig, training: int, validation: int, test: int, machine: Machine, speed: float | None = None
) -> Cost:
    """Estimate the cost of a run.

    Args:
        config: The settings of the run.
        training: The number of training trials.
        validation: The number of validation trials.
        test: The number of test trials.
        machine: The machine that the run will use.
        speed: FLOP per second, of one GPU if there is one, from `measured_speed`; None for a typical speed.
    """
    if config.model.recipe is Recipe.FROZEN:
        return _frozen(config, training + validation + test, machine)
    architecture = architecture_for(config)
    forward = architecture.forward_flop(config.clip.num_frames)
    evaluation_clips = validation * config.clip.test_clips
    checkpoint = checkpoint_bytes(config, architecture)
    used = (speed or (GPU_SPEED if machine.gpu else CORE_SPEED * machine.cores)) * devices(config.machine, machine)
    epoch_seconds = epoch_flop(architecture, config, training, validation) / used
    if speed is None:
        epoch_seconds += EPOCH_SECONDS
    views = config.clip.test_clips * config.clip.test_crops
    last_seconds = (training + validation + test) * views * forward / used
    seconds = STARTING_SECONDS + config.optimization.num_epochs * epoch_seconds + last_seconds
    clips = training * config.augmentation.repeated_augmentation
    at_once = min(config.optimization.batch_size, training) * config.augmentation.repeated_augmentation
    memory = memory_of(config, architecture, at_once, machine)
    warnings = [
        *_memory_warning(config, architecture, at_once, machine, memory),
        *_time_warning(config, machine, seconds),
        *_disk_warning((KEPT_CHECKPOINTS + 1) * checkpoint, machine),
    ]
    return Cost(
        parameters=architecture.parameters,
        trained_parameters=trained_parameters(config.model, architecture),
        tokens=architecture.tokens(config.clip.num_frames),
        clip_flop=passes(config, architecture) * forward,
        training_clips=clips,
        evaluation_clips=evaluation_clips,
        epoch_seconds=epoch_seconds,
        seconds=seconds,
        measured=speed is not None,
        memory=memory,
        on_gpu=machine.gpu is not None,
        checkpoints=KEPT_CHECKPOINTS * checkpoint,
        warnings=tuple(warnings),
    )


def _frozen(config: TrainConfig, trials: int, machine: Machine) -> Cost:
    """Estimate the cost of a frozen run: one forward pass per clip and encoder, then fitting the head."""
    video = architecture_for(config) if VIDEO_ENCODER in config.model.encoder.names else None
    with_image = IMAGE_ENCODER in config.model.encoder.names
    clips = trials * config.clip.test_clips
    video_flop = video.forward_flop(config.clip.num_frames) if video else 0.0
    image_flop = config.clip.num_frames * IMAGE_FLOP if with_image else 0.0
    speed = GPU_SPEED if machine.gpu else CORE_SPEED * machine.cores
    image_speed = GPU_SPEED if machine.gpu else IMAGE_CORE_SPEED * machine.cores
    seconds = clips * (video_flop / speed + image_flop / image_speed) + trials * HEAD_SECONDS
    parameters = (video.parameters if video else 0) + (IMAGE_PARAMETERS if with_image else 0)
    inputs = sum(config.clip.num_frames * COLOURS * size**2 for size in input_sizes(config.model)) * FLOAT32
    memory = (GPU_CONTEXT_BYTES if machine.gpu else PROCESS_BYTES) + parameters * FLOAT32 + FORWARD_COPIES * inputs
    seconds += STARTING_SECONDS
    slow = [f"Embedding all clips takes about {seconds / DAY:.1f} days. Lower num_frames, or choose the image encoder."]
    return Cost(
        parameters=parameters,
        trained_parameters=0,
        tokens=video.tokens(config.clip.num_frames) if video else 0,
        clip_flop=video_flop + image_flop,
        training_clips=clips,
        evaluation_clips=0,
        epoch_seconds=0.0,
        seconds=seconds,
        measured=False,
        memory=memory,
        on_gpu=machine.gpu is not None,
        checkpoints=HEAD_BYTES,
        warnings=tuple(slow if seconds >= DAY else []),
    )


def measured_speed(runs: Iterable[RunFolder], model: str, num_frames: int, gpu: Gpu | None) -> float | None:
    """Return the speed of the first run with the same model, number of frames and device.

    The time includes all of an epoch, such as reading clips and validation.

    Args:
        runs: The runs to search.
        model: The model.
        num_frames: The number of frames per clip.
        gpu: The GPU; None for the CPU.

    Returns:
        FLOP per second of one device; None if no run has a speed.
    """
    device = gpu.name if gpu else "cpu"
    for run in runs:
        try:
            found = run.read_config()
            if (found.model.model, found.clip.num_frames, run.read_environment().device) != (model, num_frames, device):
                continue
            seconds = epochs_table(read_events(run.events_file))["seconds"].dropna()
            if len(seconds) >= FEWEST_EPOCHS and seconds.median() > 0:
                split = run.read_split()
                flop = epoch_flop(architecture_for(found), found, len(split.train), len(split.validation))
                processes = run.read_environment().processes or 1
                return float(flop / seconds.median()) / processes
        except SocalError:
            continue  # the table of runs shows that it cannot be read
    return None


def _memory_warning(
    config: TrainConfig, architecture: Architecture, clips: int, machine: Machine, needed: float
) -> list[str]:
    total = machine.gpu.memory if machine.gpu else machine.memory
    free = total if machine.gpu else machine.free_memory
    if needed <= free:
        return []
    if needed <= total:
        fits = _what_fits(config, architecture, clips, machine, free)
        return [
            f"A step needs about {_size(needed)} of memory, but only {_size(free)} of {_size(total)} are free now. "
            f"Close other programs{f', or {fits[0].lower()}{fits[1:]}' if fits else '.'}"
        ]
    return [
        f"A step of {clips} clips needs about {_size(needed)} of memory, but "
        f"{'the GPU' if machine.gpu else 'this machine'} has {_size(total)}, so the system would end the run. "
        + (_what_fits(config, architecture, clips, machine, total) or _nothing_fits(config))
    ]


def _what_fits(config: TrainConfig, architecture: Architecture, clips: int, machine: Machine, memory: int) -> str:
    """Name the settings with which a step fits into `memory` bytes and training changes least; "" if none do."""
    sparing: dict[str, Any] = {"gradient_checkpointing": True}
    step = architecture.tubelet_size
    shorter = [{**sparing, "num_frames": frames} for frames in range(config.clip.num_frames - step, 1, -step)]
    for change in ({}, sparing, *shorter):
        for steps in range(config.machine.accumulation_steps, max(clips, config.machine.accumulation_steps) + 1):
            other = config.replace(**change, accumulation_steps=steps)
            if memory_of(other, architecture, clips, machine) <= memory:
                new = {**change, "accumulation_steps": steps}
                changes = [
                    f"{name} {'on' if value is True else f'to {value}'}"
                    for name, value in new.items()
                    if value != config.as_dict()[name]
                ]
                return f"Set {' and '.join(changes)}."
    return ""


def _nothing_fits(config: TrainConfig) -> str:
    other = "" if config.model.model == TINY else f"Choose `{TINY}`, or "
    return f"Not even one clip fits. {other}{'use' if other else 'Use'} a machine with more memory."


def _time_warning(config: TrainConfig, machine: Machine, seconds: float) -> list[str]:
    if seconds < DAY:
        return []
    slow = "" if machine.gpu else f" on {machine.cores} processor cores"
    other = "" if config.model.model == TINY else f", choose `{TINY}`"
    gpu = "" if machine.gpu else ", or train on a machine with a GPU"
    epochs = config.optimization.num_epochs
    return [f"All {epochs} epochs take about {seconds / DAY:.1f} days{slow}. Lower num_epochs{other}{gpu}."]


def _disk_warning(needed: float, machine: Machine) -> list[str]:
    if needed <= machine.free_disk:
        return []
    return [
        f"The run needs up to {_size(needed)} of disk space while it writes a checkpoint, but only "
        f"{_size(machine.free_disk)} are free. Delete runs that are no longer needed."
    ]


def _size(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
