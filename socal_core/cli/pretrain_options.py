"""The command that pre-trains a model, and its arguments."""

from pathlib import Path
from typing import Any

from socal_core.cli.options import add_command, add_data
from socal_core.pretraining.pretrain_settings import PROCEDURAL, Objective, PretrainSettings


def add_pretrain_commands(commands: Any) -> None:
    """Add the command."""
    text = "Pre-train a VideoMAE without outcomes, on the frames of a data folder or on generated clips."
    sub = add_command(commands, "pretraining", "pretrain", text)
    add_data(sub, f"a data folder, or `{PROCEDURAL}` for generated clips, which need no data")
    sub.add_argument("--out", type=Path, required=True, help="the folder for the model, which must not exist yet")
    sub.add_argument("--resume", action="store_true", help="continue from the checkpoint in the folder")
    frames = sub.add_argument_group("with a data folder")
    frames.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one setting; may be repeated (docs/command-line.md lists those that pre-training uses)",
    )
    frames.add_argument(
        "--include-test",
        action="store_true",
        help="also use the trials of the surgeons in the test subset, which the model folder then warns of",
    )
    _add_procedural(sub.add_argument_group(f"with `{PROCEDURAL}`"))


def _add_procedural(group: Any) -> None:
    """Add the options for generated clips; without a value they are None, so that others are noticed."""
    default = PretrainSettings()
    group.add_argument("--steps", type=int, help=f"training steps (default: {default.steps})")
    group.add_argument("--batch-size", type=int, help=f"clips per step (default: {default.batch_size})")
    group.add_argument(
        "--objective",
        choices=[objective.value for objective in Objective],
        help=f"predict the parameters of a scene, fill in masked patches, or both (default: {default.objective})",
    )
    group.add_argument("--seed", type=int, help=f"seed of clips and weights (default: {default.seed})")
