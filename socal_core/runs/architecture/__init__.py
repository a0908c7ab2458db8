"""The sizes of a model, and the parameters, operations and memory that follow from them."""

from socal_core.runs.architecture.frames import OWN_TYPE, TEMPORAL_RATIO, FrameArchitecture, encoder_values
from socal_core.runs.architecture.reading import (
    CONFIG_FILE,
    architecture_for,
    architecture_in,
    architecture_of,
    check_num_frames,
    input_sizes,
    refuse_remainder,
    refuse_size,
)
from socal_core.runs.architecture.sizes import COLOURS, FLOAT32, LARGEST, TINY_ARCHITECTURE, Architecture
from socal_core.runs.architecture.timesformer import TimesformerArchitecture
from socal_core.runs.architecture.videoprism import VideoPrismArchitecture
from socal_core.runs.architecture.vivit import VivitArchitecture
from socal_core.runs.architecture.vjepa2 import VJepa2Architecture

__all__ = [
    "COLOURS",
    "CONFIG_FILE",
    "FLOAT32",
    "LARGEST",
    "OWN_TYPE",
    "TEMPORAL_RATIO",
    "TINY_ARCHITECTURE",
    "Architecture",
    "FrameArchitecture",
    "TimesformerArchitecture",
    "VJepa2Architecture",
    "VideoPrismArchitecture",
    "VivitArchitecture",
    "architecture_for",
    "architecture_in",
    "architecture_of",
    "check_num_frames",
    "encoder_values",
    "input_sizes",
    "refuse_remainder",
    "refuse_size",
]
