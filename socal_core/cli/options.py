"""Arguments that several commands have."""

import argparse
from pathlib import Path
from typing import Any

from socal_core.annotations import FORMATS
from socal_core.cli.settings_help import settings_help


def add_command(commands: Any, module: str, name: str, text: str) -> argparse.ArgumentParser:
    """Add a command, which is the function of this name in a module of this package.

    Args:
        commands: The commands of the parser.
        module: The module.
        name: The name of the command and of the function.
        text: What the command does, in one sentence.
    """
    sub: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    sub.set_defaults(module=module, command=name)
    return sub


def add_data(parser: argparse.ArgumentParser, text: str = "a folder with frames, outcomes and boxes") -> None:
    """Add the data folder, which the text describes, and the options for reading it."""
    parser.add_argument("data", help=text)
    keys = [form.key for form in FORMATS]
    parser.add_argument(
        "--boxes", default="", choices=keys, metavar="FORMAT", help=f"format of the boxes to read: {', '.join(keys)}"
    )
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME=TITLE",
        help="title of a column of the outcomes file if it was renamed, such as success=haemostasis; may be repeated",
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the settings of a run."""
    parser.epilog, parser.formatter_class = settings_help(), argparse.RawDescriptionHelpFormatter
    parser.add_argument("--config", type=Path, help="a JSON file of settings, such as the config.json of another run")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="one setting; may be repeated")
