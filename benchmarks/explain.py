"""How long the explanation of a prediction takes: a default run on the demo, one trial.

    python -m benchmarks.explain [--surgeons 12] [--run RUN --trial TRIAL]

Stages are timed by the progress that they report. The clips of the trial are in the clip cache.
"""

import argparse
import tempfile
import time
from pathlib import Path

from socal_core.demo.write import write_demo
from socal_core.explanations.explain import Explanation, explain
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.training.worker import work


def main() -> None:
    """Explain a prediction and print the seconds of each stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--surgeons", type=int, default=12)
    parser.add_argument("--run", type=Path, help="a run that is done, in place of a new one")
    parser.add_argument("--trial", default="S102T1")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="explain-") as scratch:
        if options.run is None:
            write_demo(Path(scratch, "demo"), surgeons=options.surgeons, seed=0)
            run = RunFolder.create(Path(scratch, "run"), config_from({}, TINY), Path(scratch, "demo"))
            work(run, resume=False)
        else:
            run = RunFolder.open(options.run)
        measure(run, options.trial)


def measure(run: RunFolder, trial: str) -> Explanation:
    """Explain a prediction twice, and print the seconds of each stage the second time."""
    explain(run, trial, lambda stage, done, total: None)
    begun: dict[str, float] = {}
    start = time.perf_counter()
    found = explain(run, trial, lambda stage, done, total: begun.update({stage: begun.get(stage, time.perf_counter())}))
    end = time.perf_counter()
    for stage, after in zip(begun, [*list(begun.values())[1:], end], strict=True):
        print(f"{stage}: {after - begun[stage]:.1f} s")
    print(f"all, with loading the model: {end - start:.1f} s; {len(found.tools)} tools, {len(found.frames)} frames")
    return found


if __name__ == "__main__":
    main()
