"""What the measurements of learning share: data sets and runs that are kept in a folder, pooled scores, tables."""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from benchmarks.transfer_data import MAKERS, write_set
from socal_core.demo.write import write_demo
from socal_core.evaluation.compare import Difference, auroc_difference
from socal_core.lifecycle.state import RunState, read_status
from socal_core.runs.events import read_events
from socal_core.runs.folder import RunFolder
from socal_core.runs.model_choice import local_folder
from socal_core.runs.overview import seconds_at_work
from socal_core.settings import TINY, TrainConfig
from socal_core.training.worker import work

DEMO, REAL = "demo", "real"
SETS = (*MAKERS, DEMO, REAL)


@contextmanager
def scratch_folder(chosen: Path | None) -> Iterator[Path]:
    """The folder for data, runs and caches: the chosen one, which is kept, or a temporary one."""
    with tempfile.TemporaryDirectory() as temporary:
        scratch = (chosen or Path(temporary)).resolve()
        scratch.mkdir(parents=True, exist_ok=True)
        os.environ["SOCAL_WORKSPACE"] = str(scratch / "workspace")
        yield scratch


def chosen_sets(text: str, real: Path | None, parser: argparse.ArgumentParser) -> list[str]:
    """The names in a list with commas; `real` needs its folder."""
    names = text.split(",")
    if unknown := set(names) - set(SETS):
        parser.error(f"--sets: {', '.join(sorted(unknown))} must be among {', '.join(SETS)}")
    if REAL in names and (real is None or not real.is_dir()):
        parser.error(f"the set {REAL} needs --real with a data folder that exists")
    return names


def data_folder(name: str, surgeons: int, scratch: Path, real: Path | None) -> Path:
    """A data set that is complete: the given folder of real trials, or one that is written where it is missing."""
    if name == REAL and real is not None:
        return real.resolve()
    folder = scratch / "data" / f"{name}-{surgeons}"
    if name == DEMO:
        return complete(folder, lambda out: write_demo(out, surgeons=surgeons))
    return complete(folder, lambda out: write_set(out, name, surgeons, 0))


def complete(folder: Path, write: Callable[[Path], object]) -> Path:
    """Write a folder where it is missing; after an interruption only a folder with another name is there."""
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=_made(folder.parent), prefix="incomplete-") as temporary:
            write(Path(temporary) / "data")
            (Path(temporary) / "data").rename(folder)
    return folder


def finished_run(path: Path, config: TrainConfig, data: Path) -> RunFolder:
    """Train a run to its test metrics; one that was interrupted continues, one that is done is taken as it is.

    Raises:
        SystemExit: The run did not finish, or the folder holds a run with other settings.
    """
    run = RunFolder(path)
    begun = run.config_file.is_file()
    if not begun:
        run = RunFolder.create(path, config, data)
    folder = None if config.model.model == TINY else local_folder(config.model.model)
    wanted = config if folder is None else config.replace(model=str(folder.resolve()))
    if run.read_config() != wanted or run.read_data() != data.resolve():
        raise SystemExit(f"{path} holds a run with other settings or data. Choose another --scratch.")
    if run.read_metrics() is None and work(run, resume=begun) is not RunState.DONE:
        raise SystemExit(f"{path} did not finish: {read_status(run).reason}")
    print(f"{path.name}: AUROC {(run.read_metrics() or {})['auroc']}, {seconds_of(run):.0f} s", flush=True)
    return run


def seconds_of(run: RunFolder) -> float:
    """Seconds that a run took, from loading PyTorch to its test metrics."""
    return seconds_at_work(read_events(run.events_file))


def test_predictions(run: RunFolder) -> pd.DataFrame:
    """The predictions of the test trials, by trial."""
    predictions = run.read_predictions()
    assert predictions is not None
    return predictions[predictions["split"] == "test"].set_index("trial_id")


def paired_cells(pairs: Sequence[tuple[RunFolder, RunFolder]]) -> list[str]:
    """The cells of a comparison: test trials, mean AUROC of the first and of the second runs, their difference.

    Args:
        pairs: Finished runs of the same split each.
    """
    first, second = "first", "second"
    blocks = []
    for one, other in pairs:
        block = test_predictions(one).rename(columns={"prob_success": first})
        blocks.append(block.join(test_predictions(other)["prob_success"].rename(second)))
    aurocs = [np.mean([roc_auc_score(block["label"], block[kind]) for block in blocks]) for kind in (first, second)]
    found = pooled_difference(blocks, first, second)
    difference = difference_text(found.value, found.interval) if found else "-"
    return [str(sum(len(block) for block in blocks)), *(f"{auroc:.3f}" for auroc in aurocs), difference]


def pooled_difference(blocks: Sequence[pd.DataFrame], first: str, second: str) -> Difference | None:
    """Compare two scores on the test trials of several splits at once.

    The models of two splits are not calibrated alike, so within each split a score becomes its rank among the split's
    test trials, divided by their number. A surgeon who is in the test subset of several splits is one group.

    Args:
        blocks: For each split one row per test trial: label, participant_id and both scores.
        first: The column of the first score.
        second: The column of the second score.

    Returns:
        AUROC of the first score minus AUROC of the second on the pooled ranks, with its interval.
    """
    ranked = pd.concat([block.assign(**{name: ranks(block[name]) for name in (first, second)}) for block in blocks])
    return auroc_difference(ranked["label"], ranked[first], ranked[second], ranked["participant_id"])


def ranks(scores: pd.Series) -> pd.Series:
    """The rank of each score divided by their number, equal scores sharing the mean of their ranks."""
    return pd.Series(rankdata(scores) / len(scores), index=scores.index)


def difference_text(value: float | None, interval: tuple[float, float] | Sequence[float] | None) -> str:
    """A difference with its 95 % interval."""
    if value is None:
        return "-"
    return f"{value:+.3f}" + (f" ({interval[0]:+.3f} to {interval[1]:+.3f})" if interval else " (no interval)")


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
