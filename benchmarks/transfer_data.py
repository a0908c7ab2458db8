"""Write one of five synthetic data sets that look unlike the demo.

    python -m benchmarks.transfer_data OUT --make clamp|colour|field|motion|unseen [--surgeons 70] [--seed 0]

The defaults of the app are tuned on the demo; these sets show how well they do elsewhere. The docstring of each module
in benchmarks/transfer says what its set shows and how well the best possible model can do. `unseen` is kept for the
last measurement. Never choose a setting by a result on it, and do not look at its frames or its code before.
"""

import argparse
from pathlib import Path

from benchmarks.transfer import clamp, colour, field, motion, unseen
from benchmarks.transfer.folder import write_folder

MAKERS = {"clamp": clamp, "colour": colour, "field": field, "motion": motion, "unseen": unseen}


def main() -> None:
    """Write the set that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="a folder that does not exist yet")
    parser.add_argument("--make", choices=MAKERS, required=True)
    parser.add_argument("--surgeons", type=int, default=70, help="two trials each (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write_set(options.out, options.make, options.surgeons, options.seed)


def write_set(out: Path, make: str, surgeons: int, seed: int) -> None:
    """Write the set named `make`; the same seed gives the same bytes."""
    maker = MAKERS[make]
    write_folder(out, maker.simulate(surgeons, seed), maker.draw, maker.FILE_BYTES)


if __name__ == "__main__":
    main()
