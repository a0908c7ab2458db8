"""Kill the server and its workers repeatedly during a run, a download, a cache filling and a demo generation.

    python -m benchmarks.server_kills [--kills 20] [--seed 0]

The server is `streamlit run app.py`. A thread that the benchmark adds to it starts the four kinds of work as a click on
a page does. The server, the workers or both are killed in turn, at a random point of the work. The work is then
continued, and its result compared with that of work that was not interrupted. After each kill, the Training page of the
next server must list every run. At the end, no file, lock or process may be left.
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
