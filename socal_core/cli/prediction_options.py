"""The commands that predict single trials and new material, and their arguments."""

from pathlib import Path
from typing import Any

from socal_core.cli.options import add_command


def add_prediction_commands(commands: Any) -> None:
    """Add the commands."""
    text = "Predict trials, or new frames and videos, with the best checkpoint of a run or an exported model."
    sub = add_command(commands, "predictions", "predict", text)
    sub.add_argument("run", type=Path, help="the folder of a run, or one that `export` wrote")
    sub.add_argument(
        "source",
        nargs="+",
        help="a trial of the data set, or new material: a folder of frames, a data folder, or a video",
    )
    sub.add_argument(
        "--data",
        help="the data folder with the trials (default: that of the run; an exported model has none)",
    )
    sub.add_argument("--json", action="store_true")
