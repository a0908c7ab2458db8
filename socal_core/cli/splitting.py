"""Commands about what a result would be worth, before any training: split, leaks."""

import argparse
import json

from socal_core.cli.arguments import open_data, say, settings
from socal_core.cli.bars import Bar
from socal_core.evaluation.leak_probes import REFUSED_INPUTS, probe_leaks
from socal_core.splits import describe, make_split, split_warning, surgeons_in_common


def split(options: argparse.Namespace) -> int:
    """Show how a run would split the trials, and that no surgeon is on two sides."""
    trials = open_data(options).usable_trials
    drawn = make_split(trials, settings(options).split)
    sides = describe(drawn, trials)
    common = surgeons_in_common(drawn, trials)
    warning = split_warning(drawn, trials)
    if options.json:
        proof = json.loads(sides.to_json(orient="index"))
        say(json.dumps({**drawn.as_dict(), "sides": proof, "surgeons_in_common": common, "warning": warning}, indent=2))
        return 0
    for side, row in sides.iterrows():
        rate = f"{row['success_rate']:.0%} successes" if row["trials"] else "no outcome"
        say(f"{side}: {row['trials']:.0f} trials of {row['surgeons']:.0f} surgeons, {rate}")
    say(f"surgeons in common: {common}")
    if warning:
        say(f"warning: {warning}")
    return 0


def leaks(options: argparse.Namespace) -> int:
    """Measure what predicts the outcome without showing the operation."""
    dataset = open_data(options)
    config = settings(options)
    drawn = make_split(dataset.usable_trials, config.split)
    with Bar("Reading first frames") as bar:
        probes = probe_leaks(dataset, drawn, config.clip.observation, bar.show)
    if options.json:
        say(json.dumps({"probes": [probe.as_dict() for probe in probes], "refused": REFUSED_INPUTS}, indent=2))
        return 0
    warning = split_warning(drawn, dataset.usable_trials)
    if warning:
        say(f"warning: {warning}")
    for probe in probes:
        say(f"{probe.name}: {probe.verdict}")
    say(f"Never inputs, because they are outcomes themselves: {', '.join(REFUSED_INPUTS)}.")
    return 0
