"""The process that fetches a shared folder and tells how far it is through a file."""

import logging
import sys
from pathlib import Path

from socal_core.errors import SocalError
from socal_core.fetch.download import download
from socal_core.storage import write_json

logger = logging.getLogger(__name__)


def fetch(address: str, out: Path, progress_file: Path) -> bool:
    """Download; `progress_file` holds `text`, and at the end `frames` and `problems`, or `error`. False on an error."""

    def tell(text: str) -> None:
        write_json(progress_file, {"text": text})

    try:
        arrived = download(address, out, tell)
    except SocalError as error:
        logger.exception("the download ended early")
        write_json(progress_file, {"error": str(error)})
        return False
    write_json(progress_file, {"frames": arrived.frames, "problems": list(arrived.problems), "out": str(out)})
    return True


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    sys.exit(0 if fetch(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])) else 1)
