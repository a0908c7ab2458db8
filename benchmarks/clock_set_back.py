"""The clock set back an hour under a server, a run, a run that waits, and pages: `python -m benchmarks.clock_set_back`.

Only these processes see the change (tests/set_clock.py, which needs a C compiler).
"""

import os
import tempfile
from pathlib import Path

from tests.serving.clock_set_back import set_back


def main() -> None:
    """Set it back, print what was seen."""
    with tempfile.TemporaryDirectory(prefix="clock-") as folder:
        os.environ |= {"SOCAL_WORKSPACE": str(Path(folder, "workspace")), "OMP_NUM_THREADS": "1"}
        for name, value in set_back(Path(folder)).items():
            print(f"{name}: {value}")


if __name__ == "__main__":
    main()
