"""Sample the random changes of a training clip. `clips/augment.py` applies them."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from socal_core.settings import AugmentationSettings

Box = tuple[float, float, float, float]
"""Top, left, bottom, right as fractions of the height or width."""

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
CROP_ASPECT = (3 / 4, 4 / 3)
ERASED_AREA = (0.02, 0.33)
ERASED_ASPECT = (0.3, 3.3)
"""The ranges of area and aspect ratio are those of Zhong et al., AAAI 2020."""


class Operation(StrEnum):
    """An operation that RandAugment can choose."""

    IDENTITY = "identity"
    AUTO_CONTRAST = "auto-contrast"
    EQUALIZE = "equalize"
    POSTERIZE = "posterize"
    ROTATE = "rotate"
    SHEAR_X = "shear-x"
    SHEAR_Y = "shear-y"
    TRANSLATE_X = "translate-x"
    TRANSLATE_Y = "translate-y"
    BRIGHTNESS = "brightness"
    CONTRAST = "contrast"
    COLOR = "color"
    """Saturation, by its name in the paper."""
    SHARPNESS = "sharpness"


_FACTORS = {Operation.BRIGHTNESS, Operation.CONTRAST, Operation.COLOR, Operation.SHARPNESS}
_CHANGE_AT_TEN = {
    Operation.ROTATE: 30.0,
    **dict.fromkeys((Operation.SHEAR_X, Operation.SHEAR_Y), 0.3),
    **dict.fromkeys((Operation.TRANSLATE_X, Operation.TRANSLATE_Y), 0.45),
    **dict.fromkeys(_FACTORS, 0.9),
}
"""The change at magnitude 10, in either direction: degrees, slope, fraction of the width, or factor minus 1."""


@dataclass(frozen=True)
class Recolour:
    """A colour change: three factors, and a change of hue as a fraction of the colour circle (red to yellow is 1/6)."""

    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    hue: float = 0.0


@dataclass(frozen=True)
class Step:
    """One RandAugment operation. The unit of its strength is degrees, slope, fraction of the width, factor or bits."""

    operation: Operation
    strength: float = 0.0


@dataclass(frozen=True)
class ClipChange:
    """The random choices for one clip. The default changes nothing."""

    flip: bool = False
    jitter: Recolour = Recolour()
    rotation: float = 0.0
    """Degrees counter-clockwise."""
    crop: Box = WHOLE
    erased: Box | None = None
    steps: tuple[Step, ...] = ()


def sample_change(settings: AugmentationSettings, seed: int) -> ClipChange:
    """Sample the changes of one clip.

    Every number is sampled whether its setting is on or not, so switching one on leaves the others unchanged.

    Args:
        settings: Which changes are on, and how strong they are.
        seed: Determines the sample together with the settings, 0 … 2^63 - 1.
    """
    rng = np.random.default_rng(seed)
    flip, erase = rng.random(2)
    brightness, contrast, saturation = (1 + settings.color_jitter * rng.uniform(-1, 1, 3)).tolist()
    hue, rotation = rng.uniform(-1, 1, 2).tolist()
    crop = _sample_box(rng, (settings.crop_area, 1.0), CROP_ASPECT)
    erased = _sample_box(rng, ERASED_AREA, ERASED_ASPECT)
    steps = tuple(_sample_step(rng, settings.rand_augment) for _ in range(settings.rand_augment_steps))
    return ClipChange(
        flip=bool(flip < settings.horizontal_flip),
        jitter=Recolour(brightness, contrast, saturation, settings.hue_jitter * hue),
        rotation=settings.rotation_degrees * rotation,
        crop=crop,
        erased=erased if erase < settings.random_erasing else None,
        steps=steps if settings.rand_augment > 0 else (),
    )


def _sample_box(rng: np.random.Generator, areas: tuple[float, float], aspects: tuple[float, float]) -> Box:
    """Sample a rectangle in the frame: uniform area, log-uniform aspect ratio among those that fit, uniform position.

    Only ratios that fit are sampled, instead of rejecting others. So the area is uniform, and the number of random
    numbers is fixed.
    """
    area = rng.uniform(*areas)
    aspect = math.exp(rng.uniform(math.log(max(aspects[0], area)), math.log(min(aspects[1], 1 / area))))
    height, width = min(1.0, math.sqrt(area / aspect)), min(1.0, math.sqrt(area * aspect))
    top, left = rng.random() * (1 - height), rng.random() * (1 - width)
    return top, left, top + height, left + width


def _sample_step(rng: np.random.Generator, magnitude: float) -> Step:
    operation = list(Operation)[rng.integers(len(Operation))]
    sign = 1.0 if rng.random() < 0.5 else -1.0
    if operation is Operation.POSTERIZE:
        return Step(operation, 8.0 - round(0.4 * magnitude))  # four bits at magnitude 10
    change = sign * _CHANGE_AT_TEN.get(operation, 0.0) * magnitude / 10
    return Step(operation, 1 + change if operation in _FACTORS else change)
