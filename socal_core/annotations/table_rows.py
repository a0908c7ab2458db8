"""Leave rows out of a table of a data folder, with every other byte unchanged."""

import re
from collections.abc import Collection

from socal_core.annotations.text_bytes import decode
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.tables import read_lines, title_positions


def without_trials(folder: DataFolder, name: str, data: bytes, title: str, left_out: Collection[str]) -> bytes:
    """Return the bytes of a table without the rows of some trials.

    Args:
        folder: The data folder.
        name: The file, relative to the data folder.
        data: Its bytes, of which the header may have been changed.
        title: The title of the column of trial ids. Without that column, nothing is left out.
        left_out: The trials.
    """
    lines = read_lines(folder, name, ProblemLog())
    places = title_positions(title, lines.titles()) if lines else []
    if lines is None or len(places) != 1:
        return data
    dropped = set()
    for number, text in zip(lines.numbers[1:], lines.texts[1:], strict=True):
        cells = lines.split(text)
        if cells and len(cells) > places[0] and cells[places[0]].strip() in left_out:
            dropped.add(number)
    text, encoding = decode(data)
    parts = re.split("(\r\n|\r|\n)", text)  # line, end of line, line, …
    kept = [
        part + (parts[2 * index + 1] if 2 * index + 1 < len(parts) else "")
        for index, part in enumerate(parts[::2])
        if index + 1 not in dropped
    ]
    return "".join(kept).encode(encoding)
