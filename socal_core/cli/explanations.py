"""The command that explains predictions: `explain`."""

import argparse
import json

from socal_core.access.audit import record_here
from socal_core.access.permissions import Action
from socal_core.cli.arguments import print_line
from socal_core.cli.bars import StageBar
from socal_core.runs.folder import RunFolder


def explain(options: argparse.Namespace) -> int:
    """Explain the prediction of a run for a trial, and write tables and a picture."""
    from socal_core.explanations.attention import attention_map, reason_of_run
    from socal_core.explanations.explain import explain as explain_trial
    from socal_core.explanations.write import attention_text, explanation_text, write_folder

    run = RunFolder.open(options.run)
    reason = reason_of_run(run) if options.attention else ""
    attention = None
    with StageBar() as bar:
        found = explain_trial(run, options.trial_id, bar.show)
        if options.attention and not reason:
            attention = attention_map(run, options.trial_id, bar.show)
    write_folder(found, run.open_dataset(), options.out, attention)
    record_here(Action.EXPORT, f"{run.name}, {options.trial_id} to {options.out}")
    if options.json:
        beside = {"attention": None if attention is None else attention.as_dict()} if options.attention else {}
        print_line(json.dumps({**found.as_dict(), **beside}, indent=2))
        return 0
    print_line(explanation_text(found))
    if options.attention:
        print_line(attention_text(attention, reason))
    return 0
