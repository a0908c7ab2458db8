"""Track ids from a file beside the boxes, where the folder has one."""

import pandas as pd

from socal_core.annotations.rows import CORNERS, BoxRows
from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.tables import read_table, to_integers

_FILE = layout.TRACKS_FILE
_KEY = list(layout.BOX_COLUMNS)


def add_track_ids(folder: DataFolder, rows: BoxRows, path: str, log: ProblemLog) -> BoxRows:
    """The rows with the track ids that the folder's own file gives for the very same boxes; NA elsewhere.

    `path` is the file of the boxes, for problems. A folder without the file is in order.
    """
    if not folder.has(_FILE):
        return rows
    cells = read_table(folder, _FILE, layout.TRACK_COLUMNS, layout.TRACK_COLUMNS, log)
    if cells is None or len(cells.columns) < len(layout.TRACK_COLUMNS):
        return rows
    tracks = _read_tracks(cells, log)
    boxes = rows.boxes.drop(columns="track_id").reset_index()
    unused = tracks.reset_index().merge(boxes[_KEY].drop_duplicates(), on=_KEY, how="left", indicator="found")
    unused = unused[unused["found"] == "left_only"].set_index("row")
    text = f"{path} has no {{label}} box {{x1}}, {{y1}}, {{x2}}, {{y2}} in frame {{frame}}; the row is not used."
    log.add_rows("track-without-box", Severity.WARNING, _FILE, unused, text)
    joined = boxes.merge(tracks.drop_duplicates(_KEY), on=_KEY, how="left").set_index("row")
    text = f"The {{label}} box of frame {{frame}} is not in {_FILE}; it has no track id from the file."
    log.add_rows("box-without-track", Severity.WARNING, path, joined[joined["track_id"].isna()], text)
    return BoxRows(joined[list(rows.boxes.columns)], rows.without_tool)


def _read_tracks(cells: pd.DataFrame, log: ProblemLog) -> pd.DataFrame:
    """The usable rows: frame, corners (int64), label, track_id (Int64), indexed by line."""
    numbers = pd.DataFrame({name: to_integers(cells[name]) for name in (*CORNERS, "track_id")})
    bad = numbers.isna().any(axis=1)
    text = "Corners and track_id must be whole numbers, got {x1}, {y1}, {x2}, {y2} and {track_id}; the row is not used."
    log.add_rows("bad-track-row", Severity.WARNING, _FILE, cells[bad], text)
    tracks = cells.assign(**numbers)[~bad].astype(dict.fromkeys(CORNERS, "int64"))
    doubled = tracks.duplicated(["frame", "track_id"])
    text = "Track id {track_id} stands more than once in frame {frame}; both boxes keep it."
    log.add_rows("doubled-track-id", Severity.WARNING, _FILE, tracks[doubled], text)
    return tracks
