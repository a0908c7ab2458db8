"""The sizes of a model, and the parameters, operations and memory that follow from them."""

from socal_core.runs.architecture.reading import (
    CONFIG_FILE,
    TINY_ARCHITECTURE,
    architecture_in,
    architecture_of,
    check_num_frames,
    input_sizes,
    refuse_remainder,
)
from socal_core.runs.architecture.sizes import COLOURS, FLOAT32, Architecture

__all__ = [
    "COLOURS",
    "CONFIG_FILE",
    "FLOAT32",
    "TINY_ARCHITECTURE",
    "Architecture",
    "architecture_in",
    "architecture_of",
    "check_num_frames",
    "input_sizes",
    "refuse_remainder",
]
