"""The arguments of the commands for operation on a server."""

from pathlib import Path
from typing import Any

from socal_core.cli.options import add_command


def add_maintenance_commands(commands: Any) -> None:
    """Add `doctor`, `backup` and `restore`."""
    sub = add_command(
        commands, "maintenance", "doctor", "Check the installation and the workspace; exit with 1 on an error."
    )
    sub.add_argument("--json", action="store_true")
    sub = add_command(commands, "maintenance", "backup", "Write the workspace to an archive, also while runs train.")
    sub.add_argument("out", type=Path, metavar="OUT.tar", help="the archive, which does not exist yet")
    sub = add_command(commands, "maintenance", "restore", "Restore an archive of `backup` into an empty workspace.")
    sub.add_argument("archive", type=Path, metavar="FILE.tar")
    sub.add_argument("--workspace", type=Path, metavar="FOLDER", help="the folder to fill (default: the workspace)")
