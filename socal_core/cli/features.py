"""The command `embed`, which writes the features of the frozen encoders."""

import argparse
import sys

from socal_core.cli.arguments import given_settings, open_data, print_line
from socal_core.cli.bars import StageBar
from socal_core.errors import DataError
from socal_core.runs.model_choice import default_model
from socal_core.settings import Recipe, config_from


def embed(options: argparse.Namespace) -> int:
    """Write the features of each trial and clip as a Parquet table."""
    import torch

    from socal_core.models.feature_table import embed_trials

    if options.out.exists():
        raise DataError(f"{options.out} already exists. Choose another name.")
    if not options.out.parent.is_dir():
        raise DataError(f"{options.out} cannot be written: its folder does not exist. Create it, or choose another.")
    config = config_from({"recipe": Recipe.FROZEN, **given_settings(options)}, default_model())
    dataset = open_data(options)
    device = torch.accelerator.current_accelerator() or torch.device("cpu")
    with StageBar() as bar:
        found = embed_trials(dataset, config, device, bar.show)
    found.write(options.out)
    for text in found.notices:
        sys.stderr.write(f"{text}\n")
    trials = len(found.table["trial_id"].unique())
    without = f"; trials without a clip that can be read: {len(found.left_out)}" if found.left_out else ""
    print_line(f"{found.table.num_rows:,} rows of {trials} trials are in {options.out}{without}.")
    return 1 if found.left_out else 0
