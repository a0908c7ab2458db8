"""What the pre-trained weights of `tiny` are worth: test AUROC against random weights of the same architecture.

    python -m benchmarks.pretrained [--sets demo,real,unseen] [--ways frozen,finetune] [--seeds 3]
        [--finetune-seeds 1] [--surgeons N] [--scratch FOLDER] [--real FOLDER]

`frozen` fits the head on the features of the video encoder alone (encoder=video); `finetune` trains all weights. All
other settings are the defaults of `tiny`. Both kinds of weights have the same seeds, and so the same splits. The
random weights are drawn anew for each seed, as transformers initialises them, and have no classification head; nor have
the pre-trained ones. `demo` has 40 surgeons, `unseen` 70. `real`, the data folder of --real, has five groups: each
is the test subset of one run per seed.

The table has one row for each set and way. AUROCs are means over the runs. The difference is that of the test trials
of all runs together, each score as its rank among the test trials of its run, with a paired interval over surgeons.
Seconds are those of all runs of the row, pre-trained and random. With --scratch, data and runs are kept: the same
command continues after an interruption.
"""

import argparse
from pathlib import Path

import torch
from transformers import VideoMAEConfig, VideoMAEForPreTraining

from benchmarks.experiments import (
    DEMO,
    REAL,
    chosen_sets,
    complete,
    data_folder,
    finished_run,
    markdown,
    paired_cells,
    scratch_folder,
    seconds_of,
)
from socal_core.models.build import build_classifier
from socal_core.models.find import TINY_FOLDER
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, EncoderChoice, Recipe, SplitMethod, TrainConfig, default_config

SURGEONS = {DEMO: 40}
TRANSFER_SURGEONS = 70
PRETRAINED, RANDOM = "pretrained", "random"
GROUPS = 5
"""Of the real trials, each of which is the test subset once."""
HEADER = ("set", "way", "seeds", "test trials", "AUROC pre-trained", "AUROC random", "difference (95 %)", "seconds")


def main() -> None:
    """Train what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="demo,real,unseen", help="names with commas (default: %(default)s)")
    parser.add_argument("--ways", default="frozen,finetune", help="names with commas (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="of frozen runs")
    parser.add_argument("--finetune-seeds", type=int, default=1)
    parser.add_argument("--surgeons", type=int, help="in place of each set's own number")
    parser.add_argument("--scratch", type=Path, help="keep the data and the runs here")
    parser.add_argument("--real", type=Path, help="a data folder of real trials from five surgeons")
    options = parser.parse_args()
    ways = [Recipe(name) for name in options.ways.split(",")]
    sets = chosen_sets(options.sets, options.real, parser)
    rows = []
    with scratch_folder(options.scratch) as scratch:
        for way in ways:
            for name in sets:
                surgeons = options.surgeons or SURGEONS.get(name, TRANSFER_SURGEONS)
                data = data_folder(name, surgeons, scratch, options.real)
                seeds = options.seeds if way is Recipe.FROZEN else options.finetune_seeds
                rows.append(row_of(name, data, way, seeds, scratch))
                print(markdown(HEADER, rows), flush=True)


def row_of(name: str, data: Path, way: Recipe, seeds: int, scratch: Path) -> list[str]:
    """The line of the table for one set and one way to train."""
    pairs: list[tuple[RunFolder, RunFolder]] = []
    for seed in range(seeds):
        pretrained, random = (
            runs_of(name, data, settings(way, weights, seed, scratch), weights, scratch)
            for weights in (PRETRAINED, RANDOM)
        )
        pairs += zip(pretrained, random, strict=True)
    seconds = sum(seconds_of(run) for pair in pairs for run in pair)
    return [name, str(way), str(seeds), *paired_cells(pairs), f"{seconds:.0f}"]


def runs_of(name: str, data: Path, config: TrainConfig, weights: str, scratch: Path) -> list[RunFolder]:
    """The finished runs of one seed: one, or for the real trials one per fold."""
    configs = [config]
    if name == REAL:
        configs = [
            config.replace(split_method=SplitMethod.KFOLD, folds=GROUPS, fold=fold) for fold in range(1, GROUPS + 1)
        ]
    return [
        finished_run(
            scratch / "pretrained-runs" / f"{data.name}-{config.model.recipe}-{weights}-{config.split.seed}-{fold}",
            chosen,
            data,
        )
        for fold, chosen in enumerate(configs, start=1)
    ]


def settings(way: Recipe, weights: str, seed: int, scratch: Path) -> TrainConfig:
    """The defaults of `tiny`, with its weights or with random ones."""
    encoder = EncoderChoice.VIDEO if way is Recipe.FROZEN else EncoderChoice.AUTO
    config = default_config(TINY).replace(recipe=way, encoder=encoder, seed=seed)
    if weights == PRETRAINED:
        return config
    folder = complete(scratch / "models" / f"random-{seed}", lambda out: write_random_twin(out, seed))
    return config.replace(model=str(folder))


def write_random_twin(out: Path, seed: int) -> None:
    """Write a model folder with the architecture and the preprocessing of `tiny` and random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        VideoMAEForPreTraining(VideoMAEConfig.from_pretrained(TINY_FOLDER)).save_pretrained(out)
    build_classifier(default_config(TINY)).preprocessor.processor.save_pretrained(out)


if __name__ == "__main__":
    main()
