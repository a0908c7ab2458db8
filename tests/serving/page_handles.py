"""Pages of a server that has no file handles left, and has some again.

`python -m tests.serving.page_handles SCRATCH FREE` prints what was found as JSON.
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


def pages_without_handles(scratch: Path, free: int) -> dict[str, Any]:
    """Open every page before, while and after the server has so many free handles; return what was seen.

    Without any handle, Streamlit cannot list the scripts of pages, so it shows its own error and no page is run.

    Returns:
        Which pages said what is wrong, and which had at least half as much content as afterwards; how many scripts
        Streamlit could not run; and whether all pages were complete afterwards.
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
            "said": [page for page, content in without.items() if SAID in content],
            "complete": [page for page in PAGES if len(without[page]) > len(after[page]) / 2],
            "scripts that Streamlit could not run": sum("Traceback" in line for line in server.log),
            "goes on": all(SAID not in content for content in after.values()) and b"run-1" in after["training"],
        }
    finally:
        server.end()


def main(arguments: list[str]) -> dict[str, Any]:
    scratch = Path(arguments[0])
    os.environ["SOCAL_WORKSPACE"] = str(scratch / "workspace")
    return pages_without_handles(scratch, int(arguments[1]))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1:])) + "\n")
