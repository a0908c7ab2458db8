"""Predict the outcome of an operation from its video. The app and the command line are built on this library.

import socal_core as sc
data = sc.open_dataset("DATA")
run = sc.load_run("RUN")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from socal_core.api import Dataset, Run, load_run, open_dataset

__version__ = "0.1.0"
__all__ = ["Dataset", "Run", "__version__", "load_run", "open_dataset"]


def __getattr__(name: str) -> Any:
    """Load the public API when it is first used, so that a command that needs one module does not load all."""
    if name in __all__:
        return getattr(import_module("socal_core.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
