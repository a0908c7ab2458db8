"""Read track ids from a file beside the boxes, if the folder has one."""

import pandas as pd

from socal_core.annotations.rows import CORNERS, BoxRows
from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import box_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.tables import read_table, to_integers

_FILE = layout.TRACKS_FILE
_KEY = list(layout.BOX_COLUMNS)


def add_track_ids(folder: DataFolder, rows: BoxRows, path: str, log: ProblemLog) -> BoxRows:
    """Add the track ids that the file of tracks gives for exactly the same boxes; NA for other boxes.

    Args:
        folder: The data folder; without a file of tracks, the rows are unchanged.
        rows: The boxes.
        path: The file of the boxes, for problems.
        log: Receives the problems.
    """
    name = folder.chosen(_FILE)
    if not name:
        return rows
    cells = read_table(folder, name, layout.TRACK_COLUMNS, layout.TRACK_COLUMNS, log)
    if cells is None or len(cells.columns) < len(layout.TRACK_COLUMNS):
        return rows
    tracks = _read_tracks(cells, log)
    boxes = rows.boxes.drop(columns="track_id").reset_index()
    unused = tracks.reset_index().merge(boxes[_KEY].drop_duplicates(), on=_KEY, how="left", indicator="found")
    unused = unused[unused["found"] == "left_only"].set_index("row")
    log.add_rows(box_kinds.TRACK_WITHOUT_BOX, _FILE, unused, boxes_file=path)
    joined = boxes.merge(tracks.drop_duplicates(_KEY), on=_KEY, how="left").set_index("row")
    log.add_rows(box_kinds.BOX_WITHOUT_TRACK, path, joined[joined["track_id"].isna()])
    return BoxRows(joined[list(rows.boxes.columns)], rows.without_tool)


def _read_tracks(cells: pd.DataFrame, log: ProblemLog) -> pd.DataFrame:
    """Return the valid rows: frame, corners (int64), label, track_id (Int64), indexed by line."""
    numbers = pd.DataFrame({name: to_integers(cells[name]) for name in (*CORNERS, "track_id")})
    bad = numbers.isna().any(axis=1)
    log.add_rows(box_kinds.BAD_TRACK_ROW, _FILE, cells[bad])
    tracks = cells.assign(**numbers)[~bad].astype(dict.fromkeys(CORNERS, "int64"))
    doubled = tracks.duplicated(["frame", "track_id"])
    log.add_rows(box_kinds.DOUBLED_TRACK_ID, _FILE, tracks[doubled])
    return tracks
