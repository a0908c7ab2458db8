"""Cache the tracks of a data set, computed once for each version of its boxes."""

import hashlib
import logging
import os

import pandas as pd

from socal_core.annotations.tracker import TRACKER_VERSION, track_all
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.table_cache import DAMAGE, forget_oldest, write_table
from socal_core.errors import SocalError
from socal_core.file_handles import os_reason
from socal_core.workspace import cache_folder

logger = logging.getLogger(__name__)


def tracked_boxes(dataset: Dataset) -> pd.DataFrame:
    """Return all boxes with a track id each, computed once for each version of the data.

    Args:
        dataset: The data set.

    Returns:
        The columns of `Dataset.boxes`, and `track_source` as in `tracker.track_all`.
    """
    digest = digest_of_boxes(dataset.boxes)
    try:
        path = cache_folder() / "tracks" / f"{digest}-{TRACKER_VERSION}.parquet"
    except SocalError:
        return track_all(dataset.boxes)
    try:
        tracks = pd.read_parquet(path)
        os.utime(path)  # mark as used: the oldest files are removed first
        return dataset.boxes.assign(track_id=tracks["track_id"], track_source=tracks["track_source"])
    except DAMAGE:
        boxes = track_all(dataset.boxes)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_table(boxes[["track_id", "track_source"]], path)
        forget_oldest(path.parent, "*.parquet")
    except OSError as error:
        logger.warning("The tracks could not be kept for the next time: %s", os_reason(error))
    return boxes


def digest_of_boxes(boxes: pd.DataFrame) -> str:
    """Return the first 32 hexadecimal digits of a SHA-256 hash of everything that the tracker uses."""
    digest = hashlib.sha256()
    for name in ("position", "x1", "y1", "x2", "y2"):
        digest.update(boxes[name].to_numpy().tobytes())
    digest.update(boxes["track_id"].fillna(-1).to_numpy("int64").tobytes())
    for name in ("trial_id", "label"):
        codes, names = pd.factorize(boxes[name])
        digest.update(codes.tobytes() + "\n".join(names).encode())
    return digest.hexdigest()[:32]
