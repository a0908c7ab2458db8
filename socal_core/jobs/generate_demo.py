"""The process that draws the demo data set and tells how far it is through a file."""

import logging
import sys
from pathlib import Path

from socal_core.demo.write import write_demo
from socal_core.errors import SocalError
from socal_core.storage import write_json

logger = logging.getLogger(__name__)


def draw(out: Path, progress_file: Path, surgeons: int = 40) -> bool:
    """Draw the demo data set; `progress_file` holds `done` and `total`, or `error`. False when it failed."""

    def tell(done: int, total: int) -> None:
        write_json(progress_file, {"done": done, "total": total})

    try:
        write_demo(out, surgeons=surgeons, progress=tell)
    except SocalError as error:
        logger.exception("the demo data set could not be drawn")
        write_json(progress_file, {"error": str(error).replace(str(out), "The demo data set")})
        return False
    progress_file.unlink(missing_ok=True)
    return True


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    sys.exit(0 if draw(Path(sys.argv[1]), Path(sys.argv[2])) else 1)
