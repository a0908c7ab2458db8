"""The commands that hand on a run: `card` and `export`."""

import argparse

from socal_core.access.audit import acting
from socal_core.access.permissions import Action
from socal_core.access.users import local_user
from socal_core.cli.arguments import print_line
from socal_core.runs.folder import RunFolder


def card(options: argparse.Namespace) -> int:
    """Write the card of a run as HTML or JSON."""
    from socal_core.exporting.card_page import write_card

    run = RunFolder.open(options.run)
    with acting(local_user(), Action.EXPORT_CARD, run, f"{run.name} to {options.out}"):
        write_card(run, options.out, options.pseudonymize)
    print_line(f"The card of run {options.run.name} is in {options.out}.")
    return 0


def export(options: argparse.Namespace) -> int:
    """Export the best checkpoint of a run."""
    from socal_core.exporting.export import export_run

    run = RunFolder.open(options.run)
    with acting(local_user(), Action.EXPORT_MODEL, run, f"{run.name} to {options.out}"):
        export_run(run, options.out, options.onnx)
    print_line(f"The model of run {options.run.name} is in {options.out}.")
    return 0
