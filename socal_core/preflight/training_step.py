"""Operations and memory of a training step, as far as the settings decide about them."""

from socal_core.preflight.machine import Machine
from socal_core.runs.architecture import FLOAT32, Architecture
from socal_core.settings import (
    FULL,
    LORA,
    MachineSettings,
    ModelSettings,
    OptimizationSettings,
    OptimizerName,
    TrainConfig,
    tuned_blocks,
)

PROCESS_BYTES = 700e6
"""Memory of a training process on the CPU without model and clips: 523 MB of imports, plus data set and buffers."""
GPU_CONTEXT_BYTES = 600e6
"""Memory that CUDA itself takes on a GPU."""


def trained_parameters(settings: ModelSettings, architecture: Architecture) -> int:
    """Return the number of weights that are trained.

    Args:
        settings: What is trained.
        architecture: The sizes of the model.
    """
    if settings.tune == FULL:
        return architecture.parameters
    blocks = _trained_blocks(settings, architecture) * architecture.block_parameters
    updates = architecture.update_parameters(settings.lora_rank, settings.lora_modules) if settings.tune == LORA else 0
    return blocks + updates + architecture.head_parameters


def passes(config: TrainConfig, architecture: Architecture) -> float:
    """Return the cost of training on a clip, in forward passes.

    The backward pass computes two matrix products for each one of the forward pass: the gradient of the activations,
    down to the first block with trained weights, and that of the trained weights. Gradient checkpointing computes the
    forward pass of these blocks again.

    Args:
        config: The settings of the run.
        architecture: The sizes of the model.
    """
    reached = _reached_blocks(config.model, architecture) / architecture.num_hidden_layers
    trained = _trained_blocks(config.model, architecture) / architecture.num_hidden_layers
    return 1 + reached + trained + config.machine.gradient_checkpointing * reached


def epoch_flop(architecture: Architecture, config: TrainConfig, training: int, validation: int) -> float:
    """Return the operations of an epoch with its validation.

    Args:
        architecture: The sizes of the model.
        config: The settings of the run.
        training: The number of training trials.
        validation: The number of validation trials.
    """
    clips = passes(config, architecture) * training * config.augmentation.repeated_augmentation
    return (clips + validation * config.clip.test_clips) * architecture.forward_flop(config.clip.num_frames)


def checkpoint_bytes(config: TrainConfig, architecture: Architecture) -> float:
    """Return the size of a checkpoint: the model, the moments of the optimizer, and what else resuming needs.

    Args:
        config: The settings of the run.
        architecture: The sizes of the model.
    """
    trained = trained_parameters(config.model, architecture)
    beside = 2 if config.optimization.weight_averaging else 1 if config.model.tune == LORA else 0
    return float(FLOAT32 * (architecture.parameters + trained * (_moments(config.optimization) + beside)))


def memory_of(config: TrainConfig, architecture: Architecture, clips: int, machine: Machine) -> float:
    """Estimate the peak memory of training, in bytes.

    It is the sum of weights, gradients and moments of the optimizer in float32, the activations of each clip, the
    average of the weights, and, on the CPU, the copy of the best epoch until it is written.

    Args:
        config: The settings of the run.
        architecture: The sizes of the model.
        clips: The number of clips per step.
        machine: The machine that the run will use.
    """
    on_gpu = machine.gpu is not None
    trained = trained_parameters(config.model, architecture) * FLOAT32
    averages = 2 * trained if config.optimization.weight_averaging else 0  # one more copy while it predicts
    weights = architecture.parameters * FLOAT32 + trained * (1 + _moments(config.optimization)) + averages
    copy = 0.0 if on_gpu else checkpoint_bytes(config, architecture)
    activations = architecture.kept_bytes(
        config.clip.num_frames,
        config.model.attention_dropout > 0,
        on_gpu,
        config.machine.gradient_checkpointing,
        _reached_blocks(config.model, architecture),
    )
    per_device = -(-clips // devices(config.machine, machine))
    at_once = -(-per_device // config.machine.accumulation_steps)
    batch = per_device * architecture.input_bytes(config.clip.num_frames) + at_once * activations
    return (GPU_CONTEXT_BYTES if on_gpu else PROCESS_BYTES) + weights + copy + batch


def devices(settings: MachineSettings, machine: Machine) -> int:
    """Return the number of devices that a batch is divided among.

    Args:
        settings: The settings of the machine.
        machine: The machine that the run will use.
    """
    return min(settings.gpus, machine.gpu.count) if machine.gpu else 1


def _trained_blocks(settings: ModelSettings, architecture: Architecture) -> int:
    """Return the number of blocks whose own weights are trained."""
    return int(min(tuned_blocks(settings.tune) or 0, architecture.num_hidden_layers))


def _reached_blocks(settings: ModelSettings, architecture: Architecture) -> int:
    """Return the number of blocks that the backward pass goes through."""
    return architecture.num_hidden_layers if settings.tune == LORA else _trained_blocks(settings, architecture)


def _moments(settings: OptimizationSettings) -> int:
    """Return how many numbers the optimizer stores per trained weight."""
    return 2 if settings.optimizer is OptimizerName.ADAMW else 1
