"""The command that explains predictions: `explain`."""

import argparse
import json

from socal_core.cli.arguments import print_line
from socal_core.cli.bars import StageBar
from socal_core.runs.folder import RunFolder


def explain(options: argparse.Namespace) -> int:
    """Explain the prediction of a run for a trial, and write tables and a picture."""
    from socal_core.explanations.explain import explain as explain_trial
    from socal_core.explanations.write import explanation_text, write_folder

    run = RunFolder.open(options.run)
    with StageBar() as bar:
        found = explain_trial(run, options.trial_id, bar.show)
    write_folder(found, run.open_dataset(), options.out)
    print_line(json.dumps(found.as_dict(), indent=2) if options.json else explanation_text(found))
    return 0
