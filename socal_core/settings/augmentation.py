"""Settings of the augmentation of training clips."""

from typing import ClassVar

from socal_core.settings.declaration import SettingsGroup, setting
from socal_core.settings.recipes import TRAINED


class AugmentationSettings(SettingsGroup):
    """Random changes to training clips."""

    heading: ClassVar[str] = "Augmentation"

    repeated_augmentation: int = setting(
        1,
        "Clips of each trial of a batch, which are sampled and augmented separately; VideoMAE uses 2. Each takes the "
        "memory and the time of a trial.",
        1,
        8,
        applies=TRAINED,
    )
    horizontal_flip: float = setting(
        0.5, "Probability that a training clip is mirrored, all frames alike; 0 or 0.5.", 0.0, 1.0, applies=TRAINED
    )
    color_jitter: float = setting(
        0.2,
        "Largest change of brightness, contrast and saturation, the same for all frames of a clip; 0.1 to 0.4.",
        0.0,
        1.0,
        applies=TRAINED,
    )
    hue_jitter: float = setting(
        0.1, "Largest change of hue, as a fraction of the colour circle; 0 to 0.1.", 0.0, 0.5, applies=TRAINED
    )
    rotation_degrees: float = setting(
        0.0,
        "Largest rotation of a training clip in degrees, in either direction; 10 is usual.",
        0.0,
        180.0,
        applies=TRAINED,
    )
    crop_area: float = setting(
        1.0,
        "Random resized crop: the smallest fraction of the frame that is kept; 1 keeps all, 0.5 is strong.",
        0.05,
        1.0,
        applies=TRAINED,
    )
    random_erasing: float = setting(
        0.0, "Probability that a rectangle of a training clip is erased; VideoMAE uses 0.25.", 0.0, 1.0, applies=TRAINED
    )
    rand_augment: float = setting(
        0.0, "Strength of RandAugment, 0 (off) to 10; VideoMAE uses 7.", 0.0, 10.0, applies=TRAINED
    )
    rand_augment_steps: int = setting(
        2, "Operations that RandAugment applies to a clip, one after the other; VideoMAE uses 4.", 1, 8, applies=TRAINED
    )
    mixup: float = setting(
        0.0,
        "Mixup blends two clips of a batch: alpha of the Beta distribution of their weights. 0 is off; VideoMAE uses "
        "0.8.",
        0.0,
        10.0,
        applies=TRAINED,
    )
    cutmix: float = setting(
        0.0,
        "CutMix pastes a rectangle of one clip into another: alpha as for mixup. 0 is off; VideoMAE uses 1. If both "
        "are on, one of them is chosen at random for each batch.",
        0.0,
        10.0,
        applies=TRAINED,
    )
