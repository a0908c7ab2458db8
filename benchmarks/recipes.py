"""Two recipes for fine-tuning from the same pre-trained weights of `tiny`, by test AUROC.

    python -m benchmarks.recipes [--sets demo,unseen] [--seeds 3] [--surgeons N] [--scratch FOLDER] [--real FOLDER]
        [--set NAME=VALUE]

Both recipes, `videomae-small-data` and `notebook`, have the same seeds, and so the same splits. --set changes a setting
of both, such as num_frames. AUROCs are means over the runs. The difference is that of the test trials of all runs
together, each score as its rank among the test trials of its run, with a paired interval over surgeons. With
--scratch, data and runs are kept: the same command continues after an interruption.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.experiments import (
    DEMO,
    chosen_sets,
    data_folder,
    difference_text,
    finished_run,
    markdown,
    pooled_difference,
    scratch_folder,
    seconds_of,
    test_predictions,
)
from socal_core.cli.arguments import parse_setting
from socal_core.settings import TINY, Recipe, config_from

SURGEONS = {DEMO: 40}
OTHER_SURGEONS = 70
FIRST, SECOND = Recipe.SMALL_DATA, Recipe.NOTEBOOK
HEADER = ("set", "seeds", "test trials", f"AUROC {FIRST}", f"AUROC {SECOND}", "difference (95 %)", "seconds of each")


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="demo,unseen", help="names with commas (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--surgeons", type=int, help="in place of each set's own number")
    parser.add_argument("--scratch", type=Path, help="keep the data and the runs here")
    parser.add_argument("--real", type=Path, help="a data folder of real trials")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of both recipes")
    options = parser.parse_args()
    changes = dict(parse_setting(text) for text in options.set)
    rows = []
    with scratch_folder(options.scratch) as scratch:
        for name in chosen_sets(options.sets, options.real, parser):
            data = data_folder(name, options.surgeons or SURGEONS.get(name, OTHER_SURGEONS), scratch, options.real)
            rows.append(row_of(name, data, options.seeds, changes, scratch))
            print(markdown(HEADER, rows), flush=True)


def row_of(name: str, data: Path, seeds: int, changes: dict[str, Any], scratch: Path) -> list[str]:
    """Return the row of the table for one data set."""
    blocks, seconds = [], dict.fromkeys((FIRST, SECOND), 0.0)
    for seed in range(seeds):
        predictions = {}
        for recipe in (FIRST, SECOND):
            config = config_from({"recipe": recipe, **changes, "seed": seed}, TINY)
            run = finished_run(scratch / "recipe-runs" / f"{data.name}-{recipe}-{seed}", config, data)
            predictions[recipe] = test_predictions(run)
            seconds[recipe] += seconds_of(run)
        block = predictions[FIRST].rename(columns={"prob_success": str(FIRST)})
        blocks.append(block.join(predictions[SECOND]["prob_success"].rename(str(SECOND))))
    aurocs = [np.mean([roc_auc_score(block["label"], block[recipe]) for block in blocks]) for recipe in seconds]
    found = pooled_difference(blocks, str(FIRST), str(SECOND))
    difference = difference_text(found.value, found.interval) if found else "-"
    counts = [str(seeds), str(sum(len(block) for block in blocks))]
    times = " and ".join(f"{value:.0f}" for value in seconds.values())
    return [name, *counts, *(f"{auroc:.3f}" for auroc in aurocs), difference, times]


if __name__ == "__main__":
    main()
