"""The commands that analyse the test results of runs: `subgroups`, `similar`, `compare` and `earliness`."""

import argparse
import json
import sys
from dataclasses import asdict

from socal_core.cli.arguments import print_line
from socal_core.cli.bars import StageBar
from socal_core.errors import DataError
from socal_core.evaluation import subgroups as of_trials
from socal_core.evaluation.run_comparison import compare_runs, comparison_text
from socal_core.evaluation.run_results import read_results
from socal_core.evaluation.similar_trials import similar_as_dict, similar_trials
from socal_core.evaluation.trial_features import cached_features
from socal_core.evaluation.view_results import view_of_run
from socal_core.runs.folder import RunFolder


def subgroups(options: argparse.Namespace) -> int:
    """Report the scores of a run by subgroup of the test trials."""
    results = read_results(RunFolder.open(options.run))
    report = of_trials.subgroups(results.predictions, results.run.open_dataset().trials)
    print_line(json.dumps(report.as_dict(), indent=2) if options.json else of_trials.subgroups_text(report))
    return 0


def similar(options: argparse.Namespace) -> int:
    """Report the trials of a run that look most like one of them, from the features of a frozen encoder."""
    results = read_results(RunFolder.open(options.run))
    trials = list(results.predictions["trial_id"])
    if options.trial_id not in trials:
        raise DataError(f"{options.trial_id} is no trial of run {results.run.name}. Its trials are in predictions.csv.")
    dataset, config = results.run.open_dataset(), results.run.read_config()
    features = cached_features(dataset, config, trials)
    if len(features.values) < len(trials):
        # Load PyTorch only if features have to be computed.
        from socal_core.evaluation.frame_embedding import embed_trials_of

        with StageBar() as bar:
            notes = embed_trials_of(results.run, bar.show)
        for note in notes:
            sys.stderr.write(f"{note}\n")
        features = cached_features(dataset, config, trials)
    found = similar_trials(features.values, results.predictions, options.trial_id, options.count)
    if options.json:
        print_line(json.dumps(similar_as_dict(options.trial_id, features.encoder, found), indent=2))
        return 0
    for near in found:
        outcome = "success" if near.outcome else "failure"
        surgeon = near.participant_id or "unknown"
        print_line(f"{near.trial_id}: distance {near.distance:.3f}, {outcome}, surgeon {surgeon}, {near.subset}")
    return 0


def compare(options: argparse.Namespace) -> int:
    """Compare two runs on their common test trials."""
    run = RunFolder.open(options.run)
    view = None if options.view is None else view_of_run(run, options.view)
    compared = compare_runs(run, RunFolder.open(options.other), view)
    print_line(json.dumps(compared.as_dict(), indent=2) if options.json else comparison_text(compared))
    return 0


def earliness(options: argparse.Namespace) -> int:
    """Evaluate a run whose model sees only the first seconds of its window, and write earliness.json into it."""
    # Load PyTorch only for this command.
    from socal_core.evaluation.earliness import earliness as evaluate_early
    from socal_core.evaluation.earliness import earliness_text

    with StageBar() as bar:
        found = evaluate_early(RunFolder.open(options.run), bar.show)
    print_line(json.dumps(asdict(found), indent=2) if options.json else earliness_text(found))
    return 0
