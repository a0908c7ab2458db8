"""Small edits that break a data folder, and a way to ask for one kind of problem."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
from PIL import Image

from socal_core.annotations.rows import BOX_DTYPES
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset, Problem


def found(problems: Dataset | Iterable[Problem], code: str) -> list[Problem]:
    """The problems of one code."""
    if isinstance(problems, Dataset):
        problems = problems.problems
    return [problem for problem in problems if problem.code == code]


def replace_line(path: Path, row: int, text: str) -> None:
    """Put another text in a line (first line = 1)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[row - 1] = text
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def append_line(path: Path, text: str) -> int:
    """Add a line; returns its number."""
    lines = [*path.read_text(encoding="utf-8").splitlines(), text]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)


def drop_lines(path: Path, containing: str) -> None:
    """Delete the lines that hold a text."""
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("".join(f"{line}\n" for line in lines if containing not in line), encoding="utf-8")


def edit_column(path: Path, column: str, value: str) -> None:
    """Put one value in every row of a column."""
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    place = header.split(",").index(column)
    cells = [row.split(",") for row in rows]
    edited = [",".join([*row[:place], value, *row[place + 1 :]]) for row in cells]
    path.write_text("\n".join([header, *edited]) + "\n", encoding="utf-8")


def write_frame(root: Path, name: str, size: tuple[int, int] = (64, 48)) -> None:
    """Write one plain frame."""
    images = root / layout.IMAGES_DIR
    images.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (150, 60, 60)).save(images / name, format="JPEG")


def put(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files by their relative names, with the folders they need; returns the root."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


DRAWN_COLUMNS = ["at", *layout.BOX_COLUMNS[1:], "track_id"]


def with_boxes(data: Dataset, drawn: list[tuple[object, ...]]) -> Dataset:
    """The data set with other boxes, each with the place of its frame, corners, label and track id (None for none)."""
    table = pd.DataFrame(drawn, columns=DRAWN_COLUMNS).sort_values("at", kind="stable", ignore_index=True)
    frames = data.frames.take(table["at"].astype("int64")).reset_index(drop=True)
    return replace(data, boxes=pd.concat([frames, table], axis=1)[list(BOX_DTYPES)].astype(BOX_DTYPES))
