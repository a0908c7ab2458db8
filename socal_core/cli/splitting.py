"""The commands that check the data before training: `split` and `leaks`."""

import argparse
import json
from pathlib import Path

import pandas as pd

from socal_core.cli.arguments import open_data, print_line, settings
from socal_core.cli.bars import Bar
from socal_core.dataset.targets import Target
from socal_core.errors import ConfigError
from socal_core.evaluation.leak_probes import REFUSED_INPUTS, probe_leaks
from socal_core.presets.preset import SUCCESS
from socal_core.splits import (
    dataset_of_run,
    describe,
    split_dataset,
    split_warning,
    surgeons_in_common,
    with_filter,
)


def split(options: argparse.Namespace) -> int:
    """Show how a run would split the trials, and how many surgeons are in more than one subset."""
    config = with_filter(settings(options), Path(options.data))
    dataset = dataset_of_run(open_data(options), config)
    trials, made = dataset.usable_trials, split_dataset(dataset, config.split)
    subsets = describe(made, trials, dataset.target)
    common = surgeons_in_common(made, trials)
    warning = split_warning(made, trials)
    if options.json:
        counts = {"sides": json.loads(subsets.to_json(orient="index")), "surgeons_in_common": common}
        print_line(json.dumps({**made.as_dict(), **counts, "warning": warning}, indent=2))
        return 0
    for subset, row in subsets.iterrows():
        what = _outcomes_in_words(row, dataset.target) if row["trials"] else "no outcome"
        print_line(f"{subset}: {row['trials']:.0f} trials of {row['surgeons']:.0f} surgeons, {what}")
    print_line(f"surgeons in common: {common}")
    if warning:
        print_line(f"warning: {warning}")
    return 0


def leaks(options: argparse.Namespace) -> int:
    """Measure what predicts the outcome without showing the operation."""
    config = with_filter(settings(options), Path(options.data))
    if config.model.target != SUCCESS:
        raise ConfigError(
            "target", f"must be {SUCCESS} for leaks, which are sought in that outcome", config.model.target
        )
    dataset = dataset_of_run(open_data(options), config)
    made = split_dataset(dataset, config.split)
    with Bar("Reading first frames") as bar:
        probes = probe_leaks(dataset, made, config.clip.observation, bar.show)
    if options.json:
        print_line(json.dumps({"probes": [probe.as_dict() for probe in probes], "refused": REFUSED_INPUTS}, indent=2))
        return 0
    warning = split_warning(made, dataset.usable_trials)
    if warning:
        print_line(f"warning: {warning}")
    for probe in probes:
        print_line(f"{probe.name}: {probe.verdict}")
    print_line(f"Never used as inputs, because they are outcomes themselves: {', '.join(REFUSED_INPUTS)}.")
    return 0


def _outcomes_in_words(row: pd.Series, target: Target) -> str:
    """Describe the outcomes of a subset from its row of `describe`."""
    if target.is_success:
        return f"{row['success_rate']:.0%} successes"
    if target.is_number:
        unit = f" {target.unit}" if target.unit else ""
        return f"{target.label} {row['lowest']:.4g} to {row['highest']:.4g}{unit}, mean {row['mean']:.4g}{unit}"
    return ", ".join(f"{count} {name}" for name, count in row["classes"].items())
