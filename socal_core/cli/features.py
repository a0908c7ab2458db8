"""The command `embed`, which writes the features of the frozen encoders."""

import argparse
import os
import sys

from socal_core.access.audit import record_here
from socal_core.access.permissions import Action
from socal_core.cli.arguments import given_settings, open_data, print_line
from socal_core.cli.bars import StageBar
from socal_core.errors import DataError
from socal_core.runs.model_choice import default_model
from socal_core.settings import Recipe, config_from
from socal_core.training.turn import is_main_process


def embed(options: argparse.Namespace) -> int:
    """Write the features of each trial and clip as a Parquet table; under torchrun, all processes embed a share."""
    import torch

    from socal_core.models.feature_table import embed_trials
    from socal_core.training.distributed import wait_for_all_processes

    if options.out.exists():
        raise DataError(f"{options.out} already exists. Choose another name.")
    if not options.out.parent.is_dir():
        raise DataError(f"{options.out} cannot be written: its folder does not exist. Create it, or choose another.")
    if "RANK" in os.environ:
        wait_for_all_processes()  # before the main process may write the file
    config = config_from({"recipe": Recipe.FROZEN, **given_settings(options)}, default_model())
    dataset = open_data(options)
    device = torch.accelerator.current_accelerator() or torch.device("cpu")
    with StageBar() as bar:
        found = embed_trials(dataset, config, device, bar.show if is_main_process() else lambda *_: None)
    without = f"; trials without a clip that can be read: {len(found.left_out)}" if found.left_out else ""
    if not is_main_process():
        return 1 if found.left_out else 0
    found.write(options.out)
    record_here(Action.EXPORT, f"features to {options.out}")
    for text in found.notices:
        sys.stderr.write(f"{text}\n")
    trials = len(found.table["trial_id"].unique())
    print_line(f"{found.table.num_rows:,} rows of {trials} trials are in {options.out}{without}.")
    return 1 if found.left_out else 0
