"""The published data sets that are known by their files: one module for each, and the list of them."""

from socal_core.presets.preset import Preset
from socal_core.presets.socal import SOCAL
from socal_core.presets.sospine import SOSPINE

__all__ = ["PRESETS", "SOCAL", "SOSPINE", "Preset", "is_frame", "is_trial", "outcome_reasons", "preset_of"]

PRESETS: tuple[Preset, ...] = (SOCAL, SOSPINE)
"""All presets. The first one describes folders that nothing identifies."""


def preset_of(name: str) -> Preset:
    """Return the preset with a name.

    Raises:
        KeyError: There is none.
    """
    return {preset.name: preset for preset in PRESETS}[name]


def is_trial(word: str) -> bool:
    """Return whether a word has the form of a trial id in any data set."""
    return any(preset.is_trial(word) for preset in PRESETS)


def is_frame(name: str) -> bool:
    """Return whether a name has the form of a frame's name in any data set."""
    return any(preset.frame_name.fullmatch(name) for preset in PRESETS)


def outcome_reasons() -> dict[str, str]:
    """Return why each column of any data set is never an input, by name: it is an outcome itself."""
    return {name: reason for preset in PRESETS for name, reason in preset.reasons.items()}
