"""Pages of a server that has no file handles left, and has some again.

`python -m tests.serving.page_handles SCRATCH` prints what was found as JSON.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from socal_core.lifecycle.state import RunState
from tests.factories import write_dataset
from tests.made_runs import write_run
from tests.serving.app_server import AppServer

PAGES = ("", "dataset", "training", "evaluation", "trial_viewer")
SAID = b"Too many files are open"
LIMIT = """
import builtins, resource
from tests.few_handles import few_handles
builtins.few = few_handles(free)
builtins.few.__enter__()
"""
END = "import builtins\nbuiltins.few.__exit__(None, None, None)"


def pages_without_handles(scratch: Path, free: int = 0) -> dict[str, Any]:
    """Open every page before, while and after the server has so many free handles; return what was seen.

    Returns:
        For each page whether it said what is wrong, and whether it was complete afterwards; and how many errors came.
    """
    workspace = Path(os.environ["SOCAL_WORKSPACE"])
    data = write_dataset(scratch / "data")
    write_run(workspace / "runs" / "run-1", data, RunState.DONE)
    server = AppServer(workspace, scratch / "packages", {"SOCAL_DATA": str(data)})
    try:
        with server.session() as show:
            for page in PAGES:
                show(page)
            server.do("import streamlit as st, tests.few_handles\nst.cache_data.clear(); st.cache_resource.clear()")
            server.do(LIMIT, free=free)
            without = {page: show(page) for page in PAGES}
            server.do(END)
            after = {page: show(page) for page in PAGES}
        return {
            "said": {page: SAID in content for page, content in without.items()},
            "unexplained errors": sorted(page for page, content in without.items() if b"OSError" in content),
            "goes on": all(SAID not in content for content in after.values()) and b"run-1" in after["training"],
            "log": [line for line in server.log if "Traceback" in line],
        }
    finally:
        server.end()


def main(arguments: list[str]) -> dict[str, Any]:
    scratch = Path(arguments[0])
    os.environ["SOCAL_WORKSPACE"] = str(scratch / "workspace")
    return pages_without_handles(scratch)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1:])) + "\n")
