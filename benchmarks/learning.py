"""How well the app predicts out of the box: test AUROC with all settings at their defaults, beside that of controls.

    python -m benchmarks.learning [--sets clamp,colour,field,motion,unseen,demo,real] [--seeds 3] [--surgeons N]
        [--scratch FOLDER] [--real FOLDER] [--set KEY=VALUE ...]
    python -m benchmarks.learning --shuffled [--seeds 3] [--surgeons N] [--scratch FOLDER]

For each data set and seed one run, with every setting but the seed at its default (`--set` changes some of them).
`clamp` to `unseen` are those of benchmarks/transfer_data.py with 70 surgeons, `demo` has 100 surgeons, `real` is the
data folder that --real names. The table has a row for each run and the mean over the seeds. The model's difference to
the colour and to the tools control is a paired interval over surgeons; in the row of the mean, over the test trials of
all seeds together, each score as its rank among the test trials of its seed. `best` marks the better of these two
controls in that row, which is chosen on the test trials and so favours the control. The other controls are not compared
with: the length of a whole trial is more than the model sees.

--shuffled: the same on the demo with the outcomes shuffled among surgeons, so that there is nothing to learn, for each
recipe (asked: a mean between 0.35 and 0.65). With --scratch, data and runs are kept: the same command continues after
an interruption.
"""

import argparse
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from benchmarks.experiments import (
    DEMO,
    SETS,
    chosen_sets,
    complete,
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
from socal_core.dataset import layout
from socal_core.evaluation.control_cues import COLOUR, TOOL_PARTS, TOOLS
from socal_core.evaluation.cues import colour_over_time, predict_from, presence_in_parts, varying
from socal_core.evaluation.predictors import open_predictor
from socal_core.runs.folder import RunFolder
from socal_core.runs.model_choice import default_model
from socal_core.settings import Recipe, config_from

SURGEONS = {DEMO: 100}
TRANSFER_SURGEONS = 70
LISTED = ("frames", "length", COLOUR, TOOLS)
COMPARED = (COLOUR, TOOLS)
HEADER = ("set", "seed", "test trials", "AUROC", *LISTED, *(f"model - {key} (95 %)" for key in COMPARED), "seconds")


def main() -> None:
    """Train what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(SETS[:-1]), help="names with commas (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--surgeons", type=int, help="in place of each set's own number")
    parser.add_argument("--scratch", type=Path, help="keep the data and the runs here")
    parser.add_argument("--real", type=Path, help="a data folder of real trials")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the runs")
    parser.add_argument("--shuffled", action="store_true", help="outcomes shuffled among surgeons, each recipe")
    options = parser.parse_args()
    sets = [DEMO] if options.shuffled else chosen_sets(options.sets, options.real, parser)
    settings = dict(parse_setting(text) for text in options.set)
    with scratch_folder(options.scratch) as scratch:
        rows: list[list[str]] = []
        for name in sets:
            surgeons = options.surgeons or SURGEONS.get(name, TRANSFER_SURGEONS)
            data = data_folder(name, surgeons, scratch, options.real)
            if options.shuffled:
                rows += shuffled_rows(data, scratch, options.seeds, settings)
            else:
                rows += rows_of(name, data, scratch, options.seeds, settings)
    print(markdown(("recipe", "mean AUROC", "each seed") if options.shuffled else HEADER, rows))


def rows_of(name: str, data: Path, scratch: Path, seeds: int, settings: dict[str, Any]) -> list[list[str]]:
    """The lines of the table for one data set: each seed, then the mean."""
    rows, aurocs, blocks, seconds = [], [], [], []
    for seed in range(seeds):
        config = config_from({**settings, "seed": seed}, default_model())
        run = finished_run(scratch / "runs" / f"{data.name}-{seed}", config, data)
        metrics = run.read_metrics() or {}
        controls = {row["key"]: row for row in metrics["controls"]}
        aurocs.append([metrics["auroc"], *(controls.get(key, {}).get("auroc") for key in LISTED)])
        seconds.append(seconds_of(run))
        blocks.append(test_predictions(run).join(control_scores(run)))
        differences = [controls[key] for key in COMPARED]
        texts = [difference_text(row["difference"], row["difference_interval"]) for row in differences]
        rows.append([name, str(seed), str(metrics["n"]), *map(number, aurocs[-1]), *texts, f"{seconds[-1]:.0f}"])
    means = pd.DataFrame(aurocs, columns=["model", *LISTED], dtype="float64").mean()
    best = means[list(COMPARED)].idxmax() if means[list(COMPARED)].notna().any() else ""
    texts = []
    for key in COMPARED:
        found = pooled_difference(blocks, "prob_success", key) if key in blocks[0] else None
        text = difference_text(found.value, found.interval) if found else "-"
        texts.append(f"{text}, best" if key == best else text)
    tests = str(sum(len(block) for block in blocks))
    return [*rows, [name, "mean", tests, *map(number, means), *texts, f"{sum(seconds) / seeds:.0f}"]]


def control_scores(run: RunFolder) -> pd.DataFrame:
    """What the colour and the tools control predict for the test trials of a run; a column for each that has scores.

    A run keeps only the AUROC of a control. It is computed here again, so a difference would be an error.
    """
    dataset, predictions = run.open_dataset(), run.read_predictions()
    assert predictions is not None
    labels = predictions.set_index("trial_id")["label"]
    train = labels[(predictions["split"] == "train").to_numpy()]
    with open_predictor(run, dataset, list(labels.index), lambda what, done, total: None) as predictor:
        features = {COLOUR: colour_over_time(predictor.clips(list(labels.index))).set_axis(labels.index)}
    seen = run.read_config().clip.observation.select(dataset.frames[dataset.frames["trial_id"].isin(labels.index)])
    of_trial = seen.groupby("trial_id")["frame"]
    part = of_trial.cumcount() * TOOL_PARTS // of_trial.transform("size")
    features[TOOLS] = presence_in_parts(dataset.boxes, seen.assign(part=part), labels.index)
    test = labels.index[predictions["split"] == "test"]
    scores = {}
    for row in (run.read_metrics() or {})["controls"]:
        if row["key"] in features and row["auroc"] is not None:
            varies = not varying(features[row["key"]], train.index).empty
            scores[row["key"]] = predict_from(features[row["key"]], train)[test] if varies else pd.Series(0.0, test)
            if abs(roc_auc_score(labels[test], scores[row["key"]]) - row["auroc"]) > 1e-9:
                raise SystemExit(f"The {row['key']} control of {run.name} is not that of its metrics.json.")
    return pd.DataFrame(scores, index=test)


def shuffled_rows(data: Path, scratch: Path, seeds: int, settings: dict[str, Any]) -> list[list[str]]:
    """For each recipe the test AUROCs where outcomes are shuffled."""
    rows = []
    for recipe in Recipe:
        aurocs = []
        for seed in range(seeds):
            copy = complete(scratch / "data" / f"shuffled-{data.name}-{seed}", partial(shuffled_copy, data, seed=seed))
            config = config_from({**settings, "recipe": recipe, "seed": seed}, default_model())
            run = finished_run(scratch / "runs" / f"{copy.name}-{recipe}", config, copy)
            aurocs.append((run.read_metrics() or {})["auroc"])
        rows.append([str(recipe), f"{np.mean(aurocs):.3f}", ", ".join(f"{auroc:.3f}" for auroc in aurocs)])
    return rows


def shuffled_copy(data: Path, out: Path, seed: int) -> Path:
    """The data set with each surgeon's pair of outcomes given to another surgeon; frames are hard links."""
    shutil.copytree(data, out, copy_function=os.link)
    table = out / layout.OUTCOMES_FILE
    outcomes = pd.read_csv(table, dtype=str, keep_default_na=False)
    table.unlink()  # a link to the original, which must not change
    surgeons = outcomes["participant_id"].unique()
    giver = dict(zip(surgeons, np.random.default_rng(seed).permutation(surgeons), strict=True))
    success = outcomes.set_index("trial_id")["success"].to_dict()
    outcomes["success"] = [
        success.get(f"S{giver[surgeon]}T{trial.rpartition('T')[2]}", "NA")
        for surgeon, trial in zip(outcomes["participant_id"], outcomes["trial_id"], strict=True)
    ]
    outcomes.to_csv(table, index=False)
    return out


def number(value: float | None) -> str:
    """An AUROC; a dash where there is none."""
    return "-" if value is None or np.isnan(value) else f"{value:.3f}"


if __name__ == "__main__":
    main()
