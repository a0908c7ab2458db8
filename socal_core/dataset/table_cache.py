"""A cache of opened data folders. The tables are kept in the app's own folder, never in the user's.

A cached data set is valid as long as every file and folder that was read has the same size and time of change. The
time of a folder changes if a file is added, removed or renamed, so frames are not checked individually. Files that
changed within the last seconds are not cached, since a second change could have the same time.
"""

import dataclasses
import hashlib
import json
import logging
import os
import shutil
import time
import uuid
from pathlib import Path
from typing import Any

import pandas as pd

from socal_core.dataset.dataset import Dataset, Evidence, Problem, Severity
from socal_core.dataset.folder import DataFolder, Stamp, stamp_of
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.opening import checked_folder, read_folder
from socal_core.errors import DataError, SocalError
from socal_core.file_handles import os_reason
from socal_core.json_files import read_json
from socal_core.presets import preset_of
from socal_core.storage import replacing, write_json
from socal_core.workspace import cache_folder

logger = logging.getLogger(__name__)

VERSION = 8
"""Incremented if the format of the cache or the interpretation of data folders changes."""
KEPT = 12
"""The number of data sets that are kept; the least recently used are deleted first."""
SETTLED_SECONDS = 2.0
"""The coarsest resolution of times in file systems (FAT: 2 s)."""

_TABLES = ("trials", "frames", "boxes")
DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, DataError)
"""Errors from reading a damaged or foreign file; DataError if a table lacks a column."""


def open_cached(folder: Path | str, options: OpenOptions | None = None) -> Dataset:
    """Open a data folder from the cache if it has not changed, else read it and add it to the cache.

    Args:
        folder: The folder, as in `opening.open_dataset`.
        options: Choices for ambiguous folders.

    Raises:
        DataError: There is no such folder, or it has no frames.
    """
    root = checked_folder(folder)
    options = options or OpenOptions()
    try:
        cache = cache_folder() / "datasets"
    except SocalError:
        return read_folder(DataFolder(root), options, str(folder))  # there is no folder for the cache
    entry = cache / f"{_key(root, options)}.json"
    cached = _read(entry, root)
    if cached is not None:
        return cached
    start = time.time_ns()
    data_folder = DataFolder(root)
    dataset = read_folder(data_folder, options, str(folder))
    settled = start - int(SETTLED_SECONDS * 1e9)
    if all(stamp.mtime_ns < settled for stamp in data_folder.stamps.values()):
        try:
            _keep(entry, dataset, data_folder.stamps)
        except OSError as error:
            logger.warning("The opened data set could not be kept for the next time: %s", os_reason(error))
    return dataset


def _key(root: Path, options: OpenOptions) -> str:
    text = json.dumps([VERSION, os.path.realpath(root), options.as_dict()], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _read(entry: Path, root: Path) -> Dataset | None:
    """Read the data set of an entry; return None if there is none or the data folder has changed."""
    try:
        values = read_json(entry)
        stamps = {name: Stamp(size, mtime_ns) for name, (size, mtime_ns) in values["stamps"].items()}
        if not _unchanged(root, stamps):
            return None
        tables = {name: pd.read_parquet(entry.parent / values["tables"] / f"{name}.parquet") for name in _TABLES}
        os.utime(entry)
        return _dataset(root, tables, values["rest"])
    except DAMAGE:
        return None


def _unchanged(root: Path, stamps: dict[str, Stamp]) -> bool:
    base = str(root)
    return all(stamp_of(os.stat(os.path.join(base, name))) == stamp for name, stamp in stamps.items())  # noqa: PTH116, PTH118, thousands of files


def _dataset(root: Path, tables: dict[str, pd.DataFrame], rest: dict[str, Any]) -> Dataset:
    videos = {}
    if rest["videos"]:
        # OpenCV takes a while to load, and most data sets have no video.
        from socal_core.dataset.video import Video

        videos = {trial: Video.from_dict(video) for trial, video in rest["videos"].items()}
    problems = tuple(Problem(**{**problem, "severity": Severity(problem["severity"])}) for problem in rest["problems"])
    return Dataset(
        root=root,
        trials=tables["trials"],
        frames=tables["frames"],
        boxes=tables["boxes"],
        outcome_rows=rest["outcome_rows"],
        problems=problems,
        preset=preset_of(rest["preset"]),
        evidence=tuple(Evidence(**item) for item in rest["evidence"]),
        images_dir=rest["images_dir"],
        videos=videos,
        box_format=rest["box_format"],
        box_formats=tuple(rest["box_formats"]),
        fingerprint=rest["fingerprint"],
        checked=True,
    )


def _keep(entry: Path, dataset: Dataset, stamps: dict[str, Stamp]) -> None:
    """Write the tables under a new name, then the entry that points to them, so that a reader finds all or nothing."""
    tables = entry.parent / uuid.uuid4().hex
    tables.mkdir(parents=True)
    for name in _TABLES:
        write_table(getattr(dataset, name), tables / f"{name}.parquet")
    rest = {
        "preset": dataset.preset.name,
        "outcome_rows": dataset.outcome_rows,
        "images_dir": dataset.images_dir,
        "box_format": dataset.box_format,
        "box_formats": list(dataset.box_formats),
        "fingerprint": dataset.fingerprint,
        "videos": {trial: dataclasses.asdict(video) for trial, video in dataset.videos.items()},
        "problems": [problem.as_dict() for problem in dataset.problems],
        "evidence": [item.as_dict() for item in dataset.evidence],
    }
    stamped = {name: [stamp.size, stamp.mtime_ns] for name, stamp in stamps.items()}
    write_json(entry, {"tables": tables.name, "stamps": stamped, "rest": rest})
    forget_oldest(entry.parent, "*.json")
    _drop_orphans(entry.parent)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet, atomically."""
    with replacing(path) as draft:
        table.to_parquet(draft, compression="lz4")


def forget_oldest(folder: Path, pattern: str) -> None:
    """Delete the least recently used files that match a pattern, so that KEPT remain."""
    entries = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in entries[KEPT:]:
        path.unlink(missing_ok=True)


def _drop_orphans(folder: Path) -> None:
    """Delete tables that no entry points to, if they are too old to be in use."""
    wanted = set()
    for entry in folder.glob("*.json"):
        try:
            wanted.add(read_json(entry)["tables"])
        except DAMAGE:
            entry.unlink(missing_ok=True)
    an_hour_ago = time.time() - 3600
    for tables in folder.iterdir():
        if tables.is_dir() and tables.name not in wanted and tables.stat().st_mtime < an_hour_ago:
            shutil.rmtree(tables, ignore_errors=True)
