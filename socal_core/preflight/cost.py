"""What a run will cost on this machine, before it is started: time, memory, room on the disk. Estimates, not promises.

Time is the work of an epoch over the speed of the newest run of the same model and frames, or, before there is one,
over what was measured for VideoMAE base. Memory is counted from the sizes of the model (architecture.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from socal_core.errors import SocalError
from socal_core.preflight.machine import Gpu, Machine
from socal_core.runs.architecture import COLOURS, FLOAT32, Architecture, architecture_of, frame_sides
from socal_core.runs.checkpoint_folders import KEPT
from socal_core.runs.events import epochs_table, read_events
from socal_core.runs.folder import RunFolder
from socal_core.settings import (
    IMAGE_ENCODER,
    IMAGE_SIZE,
    TINY,
    VIDEO_ENCODER,
    MachineSettings,
    OptimizationSettings,
    OptimizerName,
    Recipe,
    TrainConfig,
)

TRAINING_PASSES = 3
"""Forward and back: the way back takes two matrix products for each of the way forward. Gradient checkpointing goes
forward once more."""
CORE_SPEED = 70e9
"""FLOP a second and core in float32: a training clip of VideoMAE base (1.1 TFLOP) took 7.6 s on two cores."""
GPU_SPEED = 20e12
"""FLOP a second in 16 bits, of a GPU that no run was measured on: what a mid-range one reaches."""
PROCESS_BYTES = 700e6
"""Of a training process on the CPU, the model and its clips aside: 523 MB of imports, the data set, buffers."""
GPU_CONTEXT_BYTES = 600e6
"""Of CUDA itself on a GPU."""
KEPT_CHECKPOINTS = KEPT + 1
"""With the best."""
STARTING_SECONDS = 10
"""To load PyTorch, the model and the data set."""
EPOCH_SECONDS = 0.8
"""Of an epoch that no run was measured on, what is not the model's work: on the demo 0.8 of 1.9 s on two cores."""
IMAGE_PARAMETERS = 3_350_000
"""Of EfficientNet-Lite0 without its classifier and, as it runs, without the normalisations that are merged."""
IMAGE_FLOP = 2 * 0.385e9 * (IMAGE_SIZE / 224) ** 2
"""Of a frame in EfficientNet-Lite0: 385 million multiply-adds at 224 px (its published figure)."""
IMAGE_CORE_SPEED = 35e9
"""FLOP a second and core in EfficientNet-Lite0, whose small layers are slower: a frame of 224 px took 22 ms."""
HEAD_SECONDS = 0.03
"""Per trial, to choose and fit the head: 2 s for 64 trials and 6 s for 500, on one core."""
HEAD_BYTES = 1e6
"""Of a head on disk, at most."""
FORWARD_COPIES = 12
"""Times the pixels of a clip that an encoder's layers need beside its weights."""
FEWEST_EPOCHS = 2
"""A run's first epoch alone is slower than the rest."""
DAY = 86_400


@dataclass(frozen=True)
class Cost:
    """What a run needs; sizes in bytes, times in seconds."""

    parameters: int
    tokens: int
    """Of a clip."""
    clip_flop: float
    """To train on one clip once."""
    training_clips: int
    evaluation_clips: int
    """An epoch has, the latter for validation."""
    epoch_seconds: float
    seconds: float
    """For all epochs, the start before and the predictions after them."""
    measured: bool
    """Whether the time comes from a run on this machine."""
    memory: float
    """At its highest: of each GPU where there is one, else of the machine."""
    on_gpu: bool
    checkpoints: float
    """On disk."""
    warnings: tuple[str, ...]
    """What does not fit, or takes days, and what to change."""


def estimate(
    config: TrainConfig, training: int, validation: int, test: int, machine: Machine, speed: float | None = None
) -> Cost:
    """The cost of a run that trains, validates and tests on so many trials.

    speed: FLOP a second, of one GPU where there is one, from `measured_speed`; None takes the usual one.
    """
    if config.model.recipe is Recipe.FROZEN:
        return _frozen(config, training + validation + test, machine)
    architecture = architecture_of(config.model.model)
    forward = architecture.forward_flop(config.clip.num_frames)
    evaluation_clips = validation * config.clip.test_clips
    checkpoint = float(architecture.parameters * FLOAT32 * (1 + _moments(config.optimization)))
    used = (speed or (GPU_SPEED if machine.gpu else CORE_SPEED * machine.cores)) * _devices(config.machine, machine)
    epoch_seconds = _epoch_flop(architecture, config, training, validation) / used
    if speed is None:
        epoch_seconds += EPOCH_SECONDS
    last_seconds = (training + validation + test) * config.clip.test_clips * forward / used
    seconds = STARTING_SECONDS + config.optimization.num_epochs * epoch_seconds + last_seconds
    memory = memory_of(config, architecture, min(config.optimization.batch_size, training), machine)
    warnings = [
        *_memory_warning(config, architecture, training, machine, memory),
        *_time_warning(config, machine, seconds),
        *_disk_warning((KEPT_CHECKPOINTS + 1) * checkpoint, machine),
    ]
    return Cost(
        parameters=architecture.parameters,
        tokens=architecture.tokens(config.clip.num_frames),
        clip_flop=_passes(config.machine) * forward,
        training_clips=training,
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
    """The cost of a frozen run: each clip goes forward once through each encoder, then the head is fitted."""
    video = architecture_of(config.model.model) if VIDEO_ENCODER in config.model.encoder.names else None
    with_image = IMAGE_ENCODER in config.model.encoder.names
    clips = trials * config.clip.test_clips
    video_flop = video.forward_flop(config.clip.num_frames) if video else 0.0
    image_flop = config.clip.num_frames * IMAGE_FLOP if with_image else 0.0
    speed = GPU_SPEED if machine.gpu else CORE_SPEED * machine.cores
    image_speed = GPU_SPEED if machine.gpu else IMAGE_CORE_SPEED * machine.cores
    seconds = clips * (video_flop / speed + image_flop / image_speed) + trials * HEAD_SECONDS
    parameters = (video.parameters if video else 0) + (IMAGE_PARAMETERS if with_image else 0)
    inputs = sum(config.clip.num_frames * COLOURS * side**2 for side in frame_sides(config.model)) * FLOAT32
    memory = (GPU_CONTEXT_BYTES if machine.gpu else PROCESS_BYTES) + parameters * FLOAT32 + FORWARD_COPIES * inputs
    seconds += STARTING_SECONDS
    slow = [f"Embedding all clips takes about {seconds / DAY:.1f} days. Lower num_frames, or choose the image encoder."]
    return Cost(
        parameters=parameters,
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


def memory_of(config: TrainConfig, architecture: Architecture, batch_size: int, machine: Machine) -> float:
    """Bytes at the highest: weights, gradients and the optimiser's moments in float32, what each clip keeps, and, on
    the CPU, the copies that keep a best epoch until it is written.
    """
    on_gpu = machine.gpu is not None
    kept = architecture.parameters * FLOAT32 * (1 + _moments(config.optimization))
    weights = architecture.parameters * FLOAT32 + kept + (0 if on_gpu else kept)
    dropped = config.model.dropout_rate > 0
    clip = architecture.kept_bytes(config.clip.num_frames, dropped, on_gpu, config.machine.gradient_checkpointing)
    share = -(-batch_size // _devices(config.machine, machine))
    at_once = -(-share // config.machine.accumulation_steps)
    clips = share * architecture.input_bytes(config.clip.num_frames) + at_once * clip
    return (GPU_CONTEXT_BYTES if on_gpu else PROCESS_BYTES) + weights + clips


def measured_speed(runs: Iterable[RunFolder], model: str, num_frames: int, gpu: Gpu | None) -> float | None:
    """FLOP a second of the first of these runs with this model and number of frames on this device; None without one.

    All that an epoch takes is in it, reading clips and validation too.
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
                flop = _epoch_flop(architecture_of(found.model.model), found, len(split.train), len(split.validation))
                processes = run.read_environment().processes or 1
                return float(flop / seconds.median()) / processes
        except SocalError:
            continue  # the table of runs says that it cannot be read
    return None


def _epoch_flop(architecture: Architecture, config: TrainConfig, training: int, validation: int) -> float:
    clips = _passes(config.machine) * training + validation * config.clip.test_clips
    return clips * architecture.forward_flop(config.clip.num_frames)


def _passes(settings: MachineSettings) -> int:
    """How often a training clip's work of the way forward is done."""
    return TRAINING_PASSES + settings.gradient_checkpointing


def _devices(settings: MachineSettings, machine: Machine) -> int:
    """How many share a batch."""
    return min(settings.gpus, machine.gpu.count) if machine.gpu else 1


def _moments(settings: OptimizationSettings) -> int:
    """Numbers that the optimiser keeps of each weight."""
    return 2 if settings.optimizer is OptimizerName.ADAMW else 1


def _memory_warning(
    config: TrainConfig, architecture: Architecture, training: int, machine: Machine, needed: float
) -> list[str]:
    total = machine.gpu.memory if machine.gpu else machine.memory
    free = total if machine.gpu else machine.free_memory
    if needed <= free:
        return []
    batch_size = min(config.optimization.batch_size, training)
    if needed <= total:
        fits = _what_fits(config, architecture, batch_size, machine, free)
        return [
            f"A step needs about {_size(needed)} of memory, and {_size(free)} of {_size(total)} are free just now. "
            f"Close other programs{f', or {fits[0].lower()}{fits[1:]}' if fits else '.'}"
        ]
    return [
        f"A step of {batch_size} clips needs about {_size(needed)} of memory, and "
        f"{'the GPU' if machine.gpu else 'this machine'} has {_size(total)}: the run would be ended by the system. "
        + (_what_fits(config, architecture, batch_size, machine, total) or _nothing_fits(config))
    ]


def _what_fits(config: TrainConfig, architecture: Architecture, batch_size: int, machine: Machine, memory: int) -> str:
    """The settings for a step below `memory` bytes that change the training, or its time, least; "" if none does."""
    sparing: dict[str, Any] = {"gradient_checkpointing": True}
    step = architecture.tubelet_size
    shorter = [{**sparing, "num_frames": frames} for frames in range(config.clip.num_frames - step, 1, -step)]
    for change in ({}, sparing, *shorter):
        for steps in range(config.machine.accumulation_steps, max(batch_size, config.machine.accumulation_steps) + 1):
            other = config.replace(**change, accumulation_steps=steps)
            if memory_of(other, architecture, batch_size, machine) <= memory:
                new = {**change, "accumulation_steps": steps}
                words = [
                    f"{name} {'on' if value is True else f'to {value}'}"
                    for name, value in new.items()
                    if value != config.as_dict()[name]
                ]
                return f"Set {' and '.join(words)}."
    return ""


def _nothing_fits(config: TrainConfig) -> str:
    other = "" if config.model.model == TINY else f"Choose `{TINY}`, or "
    return f"Not even one clip fits. {other}{'a' if other else 'Take a'} machine with more memory."


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
        f"The run takes up to {_size(needed)} on the disk, while it writes a checkpoint, and "
        f"{_size(machine.free_disk)} are free. Delete runs that are no longer needed."
    ]


def _size(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
