"""Settings of how a run uses the machine. They change results only by rounding."""

from enum import StrEnum
from typing import ClassVar

from socal_core.settings.declaration import SettingsGroup, setting
from socal_core.settings.recipes import TRAINED


class Sharding(StrEnum):
    """What each of several processes that train a run holds."""

    DDP = "ddp"
    """The whole network and the whole state of the optimizer."""
    FSDP = "fsdp"
    """Its share of both."""


class MachineSettings(SettingsGroup):
    """Processes, threads, memory and restarts."""

    heading: ClassVar[str] = "Machine"

    scaled_decoding: bool = setting(
        False,
        "Decode large JPEG frames at a half, a quarter or an eighth of their size: faster and slightly less exact "
        "(benchmarks/README.md has both).",
    )
    accumulation_steps: int = setting(
        1,
        "Gradient accumulation: each batch is computed in this many parts, one after the other, before the weights "
        "change. Takes less memory; training is the same except for rounding and for the random numbers of dropout.",
        1,
        1024,
        applies=TRAINED,
    )
    gradient_checkpointing: bool = setting(
        False,
        "Recompute the activations of each layer in the backward pass instead of storing them. Takes a fraction of the "
        "memory per clip and a third more time; training is the same except for rounding.",
        applies=TRAINED,
    )
    compile: bool = setting(
        False,
        "Compile the model with torch.compile before training. Takes a minute or more at the start of a run; on a GPU "
        "it is expected to save more than that later, on a processor it does not (benchmarks/README.md). Training is "
        "the same except for rounding and for the random numbers of dropout.",
        applies=TRAINED,
    )
    restarts: int = setting(
        0,
        "Number of times that a run in the background restarts by itself after its process was killed, such as for "
        "lack of memory.",
        0,
        100,
    )
    gpus: int = setting(
        1, "GPUs that each batch is divided among. Other runs use the remaining GPUs, or wait.", 1, 64, applies=TRAINED
    )
    sharding: Sharding = setting(
        Sharding.DDP,
        "What each of several processes holds while it trains: `ddp` the whole model, `fsdp` its share of the weights, "
        "their gradients and the state of the optimizer. `fsdp` takes less memory and more communication; training is "
        "the same except for rounding.",
        applies=TRAINED,
    )
    num_workers: int = setting(
        2,
        "Threads that read clips while the model computes; 2 to 4. With 0, computing waits for reading. The results do "
        "not depend on it.",
        0,
        64,
    )
