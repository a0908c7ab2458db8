"""All commands and their arguments. Each command is a function of the same name in a module of this package."""

import argparse
import re
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from socal_core import __version__
from socal_core.annotations import FORMATS
from socal_core.cli.options import add_command, add_data, add_settings
from socal_core.cli.prediction_options import add_prediction_commands
from socal_core.cli.pretrain_options import add_pretrain_commands
from socal_core.cli.result_options import add_exports, add_result_commands

DESCRIPTION = "Predict the outcome of a SOCAL trial from its video. Errors exit with code 2 and a message on stderr."


class _Parser(argparse.ArgumentParser):
    """A parser that suggests the nearest match for a misspelt command or choice, as argparse does from Python 3.14."""

    def error(self, message: str) -> NoReturn:
        """Print the message with a suggestion, and exit."""
        found = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if found:
            near = get_close_matches(found[1], re.findall(r"[\w-]+", found[2]), n=1)
            message += f". Did you mean {near[0]}?" if near else ""
        super().error(message)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser. Its options have the attributes `module` and `command`, and the command's own arguments."""
    parser = _Parser(prog=program_name(), description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"socal {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_app_command(commands)
    _add_access_commands(commands)
    _add_data_commands(commands)
    _add_clip_commands(commands)
    _add_split_commands(commands)
    _add_run_commands(commands)
    _add_model_commands(commands)
    _add_feature_commands(commands)
    add_pretrain_commands(commands)
    return parser


def program_name() -> str:
    """Return the name that the user started the command line with."""
    return "python -m socal_core" if Path(sys.argv[0]).name == "__main__.py" else "socal"


def _add_app_command(commands: Any) -> None:
    sub = add_command(
        commands,
        "app",
        "app",
        "Serve the app to browsers, on this machine unless told otherwise, until Ctrl-C is pressed.",
    )
    sub.add_argument("folder", type=Path, nargs="?", help="a data folder (default: the last chosen one, or the demo)")
    sub.add_argument("--port", type=int, help="the port of the app (default: 8501)")
    sub.add_argument("--host", help="the address to listen at, such as 0.0.0.0 for all (default: 127.0.0.1)")
    sub.add_argument("--insecure", action="store_true", help="let other machines reach the app without login")


def _add_access_commands(commands: Any) -> None:
    sub = add_command(commands, "audit", "audit", "Show who did what: the audit log of the workspace.")
    sub.add_argument("--json", action="store_true")


def _add_data_commands(commands: Any) -> None:
    sub = add_command(commands, "data", "demo", "Generate the synthetic data set.")
    sub.add_argument("out", type=Path, help="a folder that does not exist yet")
    sub.add_argument("--surgeons", type=int, default=40, help="number of surgeons, with two trials each (default: 40)")
    sub.add_argument("--seed", type=int, default=0, help="the same seed gives the same bytes (default: 0)")
    sub = add_command(commands, "data", "download", "Download a shared Google Drive folder or file, and check it.")
    sub.add_argument("address", help="the link that the owner of the data shared")
    sub.add_argument("out", type=Path, help="the folder to download to; an interrupted download continues there")
    sub = add_command(
        commands,
        "data",
        "inspect",
        "Describe a data folder: its content, its problems, and how trial length and coaching relate to the outcome.",
    )
    add_data(sub)
    sub.add_argument("--deep", action="store_true", help="also open every frame")
    sub.add_argument(
        "--frames",
        type=Path,
        metavar="OUT.csv",
        help="write one row per frame: trial, second, file, size, number of boxes, evidence",
    )
    sub.add_argument(
        "--pseudonymize",
        action="store_true",
        help="with --frames: pseudonyms in place of the ids of trials, surgeons and frames",
    )
    sub.add_argument("--json", action="store_true")
    sub = add_command(commands, "data", "footage", "Look for the same footage in several trials.")
    add_data(sub)
    sub.add_argument("--json", action="store_true")
    sub = add_command(commands, "data", "text", "Look for text burnt into frames, such as a clock (needs rapidocr).")
    add_data(sub)
    sub.add_argument("--json", action="store_true")
    sub = add_command(
        commands, "data", "agreement", "Compare the boxes of a folder that holds them in several formats."
    )
    add_data(sub)
    sub.add_argument("--json", action="store_true")
    sub = add_command(commands, "data", "convert", "Write a copy of a data set with its boxes in another format.")
    add_data(sub)
    sub.add_argument("out", type=Path, help="a folder that does not exist yet")
    writable = [form.key for form in FORMATS if form.write is not None]
    sub.add_argument("--to", required=True, choices=writable, help="the format of the boxes")
    sub.add_argument("--annotations-only", action="store_true", help="leave out the copies of frames and videos")
    sub.add_argument("--view", metavar="NAME", help="write only the trials of a saved view of the data folder")


def _add_clip_commands(commands: Any) -> None:
    sub = add_command(commands, "clips", "clip", "Write the model input for one trial as a NumPy array.")
    add_data(sub)
    sub.add_argument("trial_id")
    sub.add_argument("--frames", type=int, help="frames in the clip, an even number (default: 16)")
    sub.add_argument("--size", type=int, help="height and width of a frame in pixels (default: 224)")
    sub.add_argument("--window", help="0:60 (default), 30:90, 0:-10 (all but the last 10 s) or whole")
    sub.add_argument("--run", type=Path, help="a folder of a run: write exactly the input of its model")
    sub.add_argument(
        "--out", type=Path, required=True, help="the file to write: float32 (frames, 3, size, size), normalized"
    )
    sub = add_command(commands, "clips", "cache", "Fill, clear or describe the clip cache of a data folder.")
    add_data(sub)
    action = sub.add_mutually_exclusive_group()
    action.add_argument("--fill", action="store_true", help="decode every frame that is not in the cache yet")
    action.add_argument("--status", action="store_true", help="show what the cache contains (default)")
    action.add_argument(
        "--clear", action="store_true", help="delete the cache for all sizes, or for the given size or run"
    )
    sub.add_argument(
        "--size", type=int, help="height and width of a frame in pixels (default: those of the default model)"
    )
    sub.add_argument("--run", type=Path, help="a folder of a run: use the frames as its model receives them")
    sub.add_argument("--json", action="store_true")


def _add_split_commands(commands: Any) -> None:
    sub = add_command(
        commands,
        "splitting",
        "split",
        "Show how a run would split the trials, and how many surgeons are in more than one subset.",
    )
    add_data(sub)
    add_settings(sub)
    sub.add_argument("--json", action="store_true")
    sub = add_command(
        commands, "splitting", "leaks", "Measure what predicts the outcome without showing the operation."
    )
    add_data(sub)
    add_settings(sub)
    sub.add_argument("--json", action="store_true")


def _add_run_commands(commands: Any) -> None:
    sub = add_command(commands, "runs", "train", "Train a new run, resume a run, or train a finished run further.")
    add_data(sub)
    sub.add_argument(
        "--run",
        type=Path,
        required=True,
        help="the folder of the run, created by this command; with --set force_retrain=true, an existing run is first "
        "moved to the trash",
    )
    add_settings(sub)
    sub.add_argument(
        "--resume",
        action="store_true",
        help="continue from the newest checkpoint if the run exists, else start it: the same command can be repeated",
    )
    sub.add_argument(
        "--from-run",
        type=Path,
        metavar="RUN",
        help="start from the best checkpoint of a run that has ended, with its settings and split",
    )
    _add_cross_validation(commands)
    sub = add_command(commands, "runs", "evaluate", "Report the metrics of a run on its test trials.")
    sub.add_argument("run", type=Path)
    sub.add_argument("--view", metavar="NAME", help="only the test trials in a saved view of the data folder")
    sub.add_argument("--json", action="store_true")
    add_prediction_commands(commands)
    add_exports(commands)
    add_result_commands(commands)
    sub = add_command(commands, "supervise", "runs", "List the runs in a folder with their current states.")
    sub.add_argument("root", type=Path, help="a folder with one folder per run")
    sub.add_argument("--json", action="store_true")
    sub = add_command(commands, "supervise", "stop", "Stop a run and wait until it has ended. It can be resumed later.")
    sub.add_argument("run", type=Path)


def _add_cross_validation(commands: Any) -> None:
    text = "Train a run per fold by surgeon, and pool the predictions of their test trials."
    sub = add_command(commands, "cross_validation", "cv", text)
    add_data(sub)
    sub.add_argument(
        "--run", type=Path, required=True, help="the folder of the cross-validation, with one run per fold in it"
    )
    sub.add_argument("--folds", type=int, help="number of folds (default: 5)")
    sub.add_argument(
        "--repeats", type=int, help="train all folds with this many seeds, beginning with the setting seed (default: 1)"
    )
    add_settings(sub)
    sub.add_argument(
        "--resume",
        action="store_true",
        help="continue with the folds that are not finished if the run exists, else start it",
    )


def _add_feature_commands(commands: Any) -> None:
    sub = add_command(
        commands, "features", "embed", "Write the features of the frozen encoders for each trial and clip as a table."
    )
    add_data(sub)
    add_settings(sub)
    sub.add_argument("--out", type=Path, required=True, help="the Parquet file to write, which must not exist yet")


def _add_model_commands(commands: Any) -> None:
    sub = add_command(commands, "models", "models", "List known pre-trained weights: present or not, licence, size.")
    sub.add_argument("--json", action="store_true")
    sub = add_command(commands, "models", "import", "Convert an original VideoMAE checkpoint (.pth) to a model folder.")
    sub.set_defaults(command="import_")
    sub.add_argument("checkpoint", type=Path, help="the file; no code in it is run")
    sub.add_argument("out", type=Path, help="a folder that does not exist yet")
    sub.add_argument("--heads", type=int, help="attention heads (default: those of the published model of this size)")
    sub.add_argument(
        "--image-size", type=int, help="height and width of the frames of its training (default: its own, or 224)"
    )
