"""What self-supervised pre-training on the user's frames is worth: test AUROC with it against without it.

    python -m benchmarks.pretrain_frames [--sets demo,unseen] [--ways finetune,frozen] [--seeds 3] [--epochs 400]
        [--surgeons N] [--scratch FOLDER] [--real FOLDER]

`with` starts from `tiny`, pre-trained further on the frames of all surgeons outside the test subset of the run;
`without` starts from `tiny` itself. `finetune` trains all weights; `frozen` fits the head on the features of the video
encoder alone. All other settings are the defaults of `tiny`. Both runs of a pair have the same seed, and so the same
split. `demo` has 40 surgeons, `unseen` 70.

The table has one row for each set and way. AUROCs are means over the seeds. The difference is that of the test trials
of all seeds together, each score as its rank among the test trials of its run, with a paired interval over surgeons.
Seconds are those of pre-training, and of the runs with and without it. With --scratch, data, models and runs are kept:
the same command continues after an interruption.
"""

import argparse
import json
import shutil
from pathlib import Path

from benchmarks.experiments import (
    DEMO,
    chosen_sets,
    data_folder,
    finished_run,
    markdown,
    paired_cells,
    scratch_folder,
    seconds_of,
)
from socal_core.dataset.table_cache import open_cached
from socal_core.pretraining.frame_settings import pretraining_config
from socal_core.pretraining.frames import FramesTask
from socal_core.pretraining.loop import SUMMARY_FILE, Observer, run_task
from socal_core.pretraining.pretrain_files import CHECKPOINT_FILE
from socal_core.settings import TINY, EncoderChoice, Recipe, default_config

SURGEONS = {DEMO: 40}
TRANSFER_SURGEONS = 70
HEADER = ("set", "way", "seeds", "test trials", "AUROC with", "AUROC without", "difference (95 %)", "seconds")


def main() -> None:
    """Pre-train and train what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="demo,unseen", help="names with commas (default: %(default)s)")
    parser.add_argument("--ways", default="finetune,frozen", help="names with commas (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="of pre-training (default: that of the command)")
    parser.add_argument("--surgeons", type=int, help="in place of each set's own number")
    parser.add_argument("--scratch", type=Path, help="keep the data, the models and the runs here")
    parser.add_argument("--real", type=Path, help="a data folder of real trials")
    options = parser.parse_args()
    ways = [Recipe(name) for name in options.ways.split(",")]
    rows = []
    with scratch_folder(options.scratch) as scratch:
        for name in chosen_sets(options.sets, options.real, parser):
            data = data_folder(name, options.surgeons or SURGEONS.get(name, TRANSFER_SURGEONS), scratch, options.real)
            models = [pretrained_model(data, seed, options.epochs, scratch) for seed in range(options.seeds)]
            for way in ways:
                rows.append(row_of(name, data, way, models, scratch))
                print(markdown(HEADER, rows), flush=True)


def pretrained_model(data: Path, seed: int, epochs: int | None, scratch: Path) -> Path:
    """A model that was pre-trained on the trials outside the test subset of this seed."""
    config = pretraining_config({"seed": seed} if epochs is None else {"seed": seed, "num_epochs": epochs})
    out = scratch / "models" / f"{data.name}-{seed}"
    begun = (out / CHECKPOINT_FILE).is_file()
    if out.is_dir() and not begun:
        shutil.rmtree(out)
    observer = Observer(report=lambda values: print(f"{out.name}: {values}", flush=True))
    run_task(out, lambda: FramesTask(open_cached(data), config, include_test=False), begun, observer)
    return out


def row_of(name: str, data: Path, way: Recipe, models: list[Path], scratch: Path) -> list[str]:
    """The line of the table for one set and one way to train."""
    encoder = EncoderChoice.VIDEO if way is Recipe.FROZEN else EncoderChoice.AUTO
    folder = scratch / "pretrain-frames-runs"
    pairs = []
    for seed, model in enumerate(models):
        config = default_config(TINY).replace(recipe=way, encoder=encoder, seed=seed)
        stem = f"{data.name}-{way}-{seed}"
        start = finished_run(folder / f"{stem}-with", config.replace(model=str(model)), data)
        pairs.append((start, finished_run(folder / f"{stem}-without", config, data)))
    pretraining = sum(json.loads((model / SUMMARY_FILE).read_text())["seconds"] for model in models)
    training = [sum(map(seconds_of, runs)) for runs in zip(*pairs, strict=True)]
    seconds = " + ".join(f"{value:.0f}" for value in (pretraining, *training))
    return [name, str(way), str(len(models)), *paired_cells(pairs), seconds]


if __name__ == "__main__":
    main()
