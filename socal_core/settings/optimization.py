"""Settings of the optimizer, the learning rate, the number of epochs and early stopping."""

from enum import StrEnum
from typing import ClassVar

from socal_core.settings.declaration import SettingsGroup, setting, when
from socal_core.settings.recipes import TRAINED


class OptimizerName(StrEnum):
    """The available optimizers."""

    ADAMW = "AdamW"
    SGD = "SGD"
    """SGD with momentum 0.9."""


class Schedule(StrEnum):
    """How the learning rate changes during training."""

    PLATEAU = "plateau"
    """It falls by a factor when the validation loss stops falling."""
    COSINE = "cosine"
    """It rises linearly during the first epochs and then falls along a cosine, step by step."""


SCHEDULED = {**TRAINED, **when(use_lr_scheduler=True)}
ON_PLATEAU = {**SCHEDULED, **when(schedule=Schedule.PLATEAU)}
COSINE = {**SCHEDULED, **when(schedule=Schedule.COSINE)}


class OptimizationSettings(SettingsGroup):
    """The optimizer, its schedule and the length of the training."""

    heading: ClassVar[str] = "Optimisation"

    optimizer: OptimizerName = setting(
        OptimizerName.ADAMW,
        "AdamW suits transformers, with a learning rate of 1e-5 to 1e-3; SGD has momentum 0.9 and needs 1e-3 to 1e-1.",
        applies=TRAINED,
        alias="optimizer_choice",
    )
    learning_rate: float = setting(
        5e-5, "1e-5 to 1e-4 for pre-trained weights; 3e-4 to 1e-3 for random ones.", 1e-8, 1.0, applies=TRAINED
    )
    batch_size: int = setting(
        4, "Clips per step, over all devices; 4 to 16 for a few hundred trials.", 1, 1024, applies=TRAINED
    )
    num_epochs: int = setting(30, "The largest number of epochs; 20 to 50.", 1, 10_000, applies=TRAINED)
    layer_decay: float = setting(
        1.0,
        "Layer-wise decay: the learning rate of each layer is this factor times that of the layer after it. 1 is off; "
        "VideoMAE's own fine-tuning uses 0.7 to 0.75.",
        0.1,
        1.0,
        applies=TRAINED,
    )
    weight_decay: float = setting(0.01, "0.01 to 0.1 for AdamW.", 0.0, 1.0, applies=TRAINED)
    label_smoothing: float = setting(
        0.0,
        "Train towards this much less than certainty, against overconfidence. 0 is off; VideoMAE uses 0.1. It has no "
        "effect on a number.",
        0.0,
        0.9,
        applies=TRAINED,
    )
    gradient_clipping: float = setting(
        0.0,
        "Largest norm of the gradient of a step; larger ones are scaled down. 0 is off.",
        0.0,
        1000.0,
        applies=TRAINED,
    )
    weight_averaging: float = setting(
        0.0,
        "Validate and predict with an exponential moving average of the weights: the fraction that it keeps in each "
        "step. 0 is off; 0.99 averages about the last hundred steps.",
        0.0,
        0.99999,
        applies=TRAINED,
    )
    use_lr_scheduler: bool = setting(
        True, "Change the learning rate during training. Off keeps it constant.", applies=TRAINED, heading="Schedule"
    )
    schedule: Schedule = setting(
        Schedule.PLATEAU,
        "`plateau` lowers the learning rate when the validation loss stops falling; `cosine` warms up and then falls "
        "along a cosine until the last epoch.",
        applies=SCHEDULED,
        heading="Schedule",
    )
    warmup_epochs: int = setting(
        0,
        "Epochs during which the learning rate rises from almost 0; VideoMAE uses 5.",
        0,
        10_000,
        applies=COSINE,
        heading="Schedule",
    )
    min_learning_rate: float = setting(
        1e-6, "The learning rate at the end of the cosine.", 1e-10, 1.0, applies=COSINE, heading="Schedule"
    )
    scheduler_patience: int = setting(
        1,
        "Epochs without a lower validation loss that are tolerated before the learning rate falls; 1 to 5.",
        0,
        1000,
        applies=ON_PLATEAU,
        heading="Schedule",
        alias="lr_scheduler_patience",
    )
    scheduler_factor: float = setting(
        0.1,
        "The factor by which the learning rate is then multiplied; 0.1 to 0.5.",
        0.001,
        0.999,
        applies=ON_PLATEAU,
        heading="Schedule",
    )
    use_early_stopping: bool = setting(
        True,
        "End training when the validation loss has stopped falling. Off trains all epochs; the best one is still "
        "the one that is used.",
        applies=TRAINED,
        heading="Schedule",
    )
    early_stopping_patience: int = setting(
        3,
        "Epochs without a lower validation loss after which training ends; 3 to 12, at least two more than "
        "scheduler_patience.",
        1,
        10_000,
        applies={**TRAINED, **when(use_early_stopping=True)},
        heading="Schedule",
    )
