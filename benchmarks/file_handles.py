"""Every page of a server that may open no more files, and then may again: `python -m benchmarks.file_handles`.

What tests/test_file_handles.py and tests/training/test_few_handles.py do for data folders, runs and commands.
"""

import os
import tempfile
from pathlib import Path

from tests.serving.page_handles import pages_without_handles


def main() -> None:
    """Take the handles away, print what was seen."""
    for free in (0, 1, 2):
        with tempfile.TemporaryDirectory(prefix="handles-") as folder:
            os.environ["SOCAL_WORKSPACE"] = str(Path(folder, "workspace"))
            for name, value in pages_without_handles(Path(folder), free).items():
                print(f"{free} handles: {name}: {value}")


if __name__ == "__main__":
    main()
