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
    sub.add_argument(
        "--follow",
        action="store_true",
        help="predict again with each new frame of one folder, or of a camera of this machine (camera:0, or camera: "
        "and the address of a stream), until the window of the run is over",
    )
    sub.add_argument(
        "--idle", type=float, default=60.0, help="with --follow, end after this many seconds without a new frame"
    )
    sub.add_argument("--json", action="store_true", help="with --follow, one object per line")
    text = "Write the frames of a trial with boxes, prediction and true outcome as a video or an animated GIF."
    sub = add_command(commands, "videos", "render", text)
    sub.add_argument("run", type=Path)
    sub.add_argument("trial_id")
    sub.add_argument("out", type=Path, help="the file to write, OUT.mp4 or OUT.gif")
    sub.add_argument("--fps", type=float, default=5.0, help="frames per second of the video (default: 5)")
    sub.add_argument("--width", type=int, help="width in pixels (default: 960, for a GIF 480; at most that of a frame)")
    sub.add_argument("--force", action="store_true", help="replace an existing file")
