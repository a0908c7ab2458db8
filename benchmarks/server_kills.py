"""The server and its workers killed again and again under a run, a download, a filling cache and a demo being made.

    python -m benchmarks.server_kills [--kills 20] [--seed 0]

The server is `streamlit run app.py`. It starts the work as a click on a page does; a thread that the benchmark adds to
it hears what to start. In turn, a kill hits the server, the workers or both, and waits for a random point of one of the
four works. Each work is continued and compared with one that nobody killed. After each kill the Training page of the
next server must list every run; at the end no file, lock or process may be left.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from tests.serving.server_kills import kill_servers


def main() -> None:
    """Kill, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="server-kills-") as folder:
        os.environ |= {"SOCAL_WORKSPACE": str(Path(folder, "workspace")), "OMP_NUM_THREADS": "1"}
        started = time.perf_counter()
        found = kill_servers(Path(folder), arguments.kills, arguments.seed)
    for name, counts in found.items():
        if name != "faults":
            print(f"{name}: {', '.join(f'{count} {what}' for what, count in counts.items())}")
    print("\n".join(found["faults"]) or "the same as without kills, and nothing is left")
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
