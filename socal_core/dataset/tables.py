"""Read the CSV files of a data folder. An invalid row never stops reading, and none is lost silently.

One line is one row. A quoted field may hold commas but no line break. So a missing quote affects only its own row,
and the number of a row is its line in an editor.
"""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from socal_core.dataset import dialect, layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import file_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.dataset.text_decoding import decode_text
from socal_core.errors import DataError

LARGEST_INTEGER = 10**9
"""Larger whole numbers are treated as invalid. No column of the layout needs them, and sums stay within int64."""

MOST_LINES = 4_000_000
"""Lines of one file: 1.3 million frames have 2.7 million boxes. Even a short line takes 200 bytes of memory."""
MOST_TRIALS = 100_000
"""Lines of a table of trials or surgeons, of which SOCAL has 365; each takes up to a kilobyte of memory."""
LONGEST_LINE = 20_000
"""Characters of one line: 200 times the longest of the layout. A header of this length names 10,000 columns at most."""

_LARGEST_WIDE = 120_000_000
"""Bytes of a file that is not ASCII: one rare character makes Python store the text with four bytes per character."""
_MOST_COMMAS = 30_000_000
_MOST_ODD = 100_000
"""Rows of one file with a wrong number of fields or broken quotes; with more, it is a file of another kind."""
_BLANK = ",; \t"


@dataclass(frozen=True)
class Lines:
    """The lines of a text file that are not empty, with their numbers (first line = 1)."""

    path: str
    texts: list[str]
    numbers: list[int]
    separator: str = ","

    def titles(self) -> list[str]:
        """Return the cells of the first line, which is the header."""
        return [cell.strip() for cell in self.split(self.texts[0]) or self.texts[0].split(self.separator)]

    def split(self, line: str) -> list[str] | None:
        """Split one line into its fields; return None if a quote in it is not closed."""
        return dialect.split(line, self.separator)

    def after_first(self) -> "Lines":
        """Return the lines below the header."""
        return replace(self, texts=self.texts[1:], numbers=self.numbers[1:])


def read_lines(folder: DataFolder, name: str, log: ProblemLog, most: int = MOST_LINES) -> Lines | None:
    """Read the lines of a file that are not empty.

    Args:
        folder: The data folder.
        name: The file, relative to the data folder.
        log: Receives the problems.
        most: The most lines that are read.

    Returns:
        The lines, or None if there are none, if there are more than `most`, or if the file cannot be read.
    """
    text = read_text(folder, name, log)
    if text is None:
        return None
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        log.add(file_kinds.NUL_BYTES, name, row=row)
        text = text.replace("\0", "")
    count, commas = text.count("\n"), max(map(text.count, dialect.SEPARATORS))
    if count > most or commas > _MOST_COMMAS:
        log.add(file_kinds.FILE_TOO_LARGE, name, lines=count, commas=commas, most_lines=most, most_commas=_MOST_COMMAS)
        return None
    texts = text.split("\n")
    del text
    dropped = _drop_long(texts, name, log)
    numbers = [number for number, line in enumerate(texts, start=1) if line.strip(_BLANK)]
    if not numbers:
        if not dropped:
            log.add(file_kinds.EMPTY_FILE, name)
        return None
    return _in_dialect(Lines(name, [texts[number - 1] for number in numbers], numbers), log)


def _in_dialect(lines: Lines, log: ProblemLog) -> Lines:
    """Find the separator of lines; a line that only declares it is left out."""
    found = dialect.declared(lines.texts[0])
    if found is not None and len(lines.texts) > 1:
        lines = lines.after_first()
    found = found or dialect.detect(lines.texts)
    if found.basis:
        meaning = f"Its fields are separated by {dialect.SEPARATORS[found.separator]}."
        log.add_evidence(lines.path, meaning, found.basis)
    return replace(lines, separator=found.separator)


def _drop_long(texts: list[str], name: str, log: ProblemLog) -> bool:
    """Blank the lines that are too long to be a row, and return whether there were any."""
    if max(map(len, texts)) <= LONGEST_LINE:
        return False
    for index, line in enumerate(texts):
        if len(line) > LONGEST_LINE:
            log.add(file_kinds.ROW_TOO_LONG, name, row=index + 1, length=len(line), limit=LONGEST_LINE)
            texts[index] = ""
    return True


def read_text(folder: DataFolder, name: str, log: ProblemLog) -> str | None:
    """Read the text of a file of the data folder, with Unix line ends; report and return None if that fails."""
    try:
        data = folder.read(name)
        if len(data) > _LARGEST_WIDE and not data.isascii():
            raise DataError(f"it has {len(data):,} bytes, and with letters beyond ASCII {_LARGEST_WIDE:,} are read")
        return decode_text(data, name, log)
    except DataError as error:
        log.add(file_kinds.UNREADABLE_FILE, name, reason=error)
        return None


def read_table(
    folder: DataFolder,
    name: str,
    columns: Sequence[str],
    required: Sequence[str],
    log: ProblemLog,
    renamed: Mapping[str, str] | None = None,
    most: int = MOST_LINES,
    further: int = 0,
) -> pd.DataFrame | None:
    """Read a CSV file with a header.

    A title also matches in another case or with spaces instead of underscores.

    Args:
        folder: The data folder.
        name: The file, relative to the data folder.
        columns: The columns to read.
        required: Those whose absence is an error, not a warning.
        log: Receives the problems.
        renamed: The title in the file of each column that has another name there.
        most: The most lines that are read.
        further: How many other columns are read too, under their titles, if these occur only once.

    Returns:
        The columns as text, indexed by line number, without those that are missing or repeated with different values.
        None if the file cannot be read.
    """
    lines = read_lines(folder, name, log, most)
    if lines is None:
        return None
    row = lines.numbers[0]
    header = lines.titles()
    cells = to_cells(lines.after_first(), len(header), log, fill_short=True)
    table: dict[str, pd.Series] = {}
    for column in columns:
        title = (renamed or {}).get(column, column)
        found = title_positions(title, header)
        agree = all(cells[found[0]].equals(cells[position]) for position in found[1:])
        if not found:
            kind = file_kinds.MISSING_COLUMN if column in required else file_kinds.MISSING_OPTIONAL_COLUMN
            log.add(kind, name, row=row, column=printable(title), header=printable(", ".join(header)))
        elif len(found) > 1:
            kind = file_kinds.DOUBLED_COLUMN if column in required else file_kinds.DOUBLED_OPTIONAL_COLUMN
            log.add(file_kinds.REPEATED_COLUMN if agree else kind, name, row=row, column=column, times=len(found))
        if found and agree:
            table[column] = cells[found[0]]
    taken = {plain_title(title) for title in (*columns, *(renamed or {}).values())}
    counts = Counter(map(plain_title, header))
    others = [(at, title) for at, title in enumerate(header) if title and counts[plain_title(title)] == 1]
    others = [(at, title) for at, title in others if plain_title(title) not in taken]
    table |= {printable(title): cells[at] for at, title in others[:further]}
    return pd.DataFrame(table, index=cells.index)


def title_positions(title: str, header: Sequence[str]) -> list[int]:
    """Return the positions of a title in a header: of exact matches, else in another case or with spaces."""
    exact = [position for position, own in enumerate(header) if own == title]
    return exact or [position for position, own in enumerate(header) if plain_title(own) == plain_title(title)]


def plain_title(title: str) -> str:
    """Normalise a title for comparison: lower case, words joined by underscores."""
    return "_".join(title.lower().replace("_", " ").split())


def to_cells(lines: Lines, width: int, log: ProblemLog, fill_short: bool = False) -> pd.DataFrame:
    """Split lines into fields.

    Args:
        lines: The lines.
        width: The number of fields per row. Other rows are left out, unless the surplus fields are blank.
        log: Receives a problem for each row with a wrong number of fields.
        fill_short: Whether to keep rows with too few fields, with empty text for the missing ones.

    Returns:
        Columns 0, 1, … of stripped text, indexed by line number.
    """
    mark = lines.separator
    plain = np.array([line.count(mark) == width - 1 and '"' not in line for line in lines.texts], dtype=bool)
    numbers = np.array(lines.numbers, dtype=np.int64)
    cells = _parse_plain([lines.texts[index] for index in np.flatnonzero(plain)], width, mark)
    cells.index = pd.Index(numbers[plain], name="row")
    quoted = False
    if not plain.all():
        odd = replace(
            lines,
            texts=[lines.texts[index] for index in np.flatnonzero(~plain)],
            numbers=[int(number) for number in numbers[~plain]],
        )
        quoted = any('"' in line for line in odd.texts)
        cells = pd.concat([cells, _parse_odd(odd, width, log, fill_short)]).sort_index()
    # A field can hold a comma only if fields have another separator, or within quotes.
    if mark != "," or quoted:
        cells = dialect.point_decimals(cells, mark, lines.path, log)
    return cells


def is_missing(cells: pd.Series) -> pd.Series:
    """Return which text cells spell a missing value."""
    return cells.str.lower().isin(layout.MISSING_VALUES)


def to_numbers(cells: pd.Series) -> pd.Series:
    """Convert text cells to float64, NaN if they are not finite numbers."""
    # Coordinates repeat often, so only distinct texts are parsed.
    codes, values = pd.factorize(cells, use_na_sentinel=False)
    numbers = pd.to_numeric(pd.Series(values, dtype="str"), errors="coerce").to_numpy(dtype=np.float64)
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    return pd.Series(numbers[codes], index=cells.index)


def to_integers(cells: pd.Series) -> pd.Series:
    """Convert text cells to Int64, NA unless they are whole numbers up to LARGEST_INTEGER; `12.0` is 12."""
    numbers = to_numbers(cells)
    return numbers.where((numbers.abs() <= LARGEST_INTEGER) & (numbers % 1 == 0)).astype("Int64")


def _parse_plain(texts: list[str], width: int, separator: str) -> pd.DataFrame:
    """Parse lines without quotes and with the right number of separators."""
    if not texts:
        return pd.DataFrame(columns=range(width), dtype="str")
    text = "\n".join(texts)
    plain = text.isascii() and " " not in text and "\t" not in text  # nothing to strip: the usual case
    data = text.encode("utf-8", "surrogatepass")
    del text  # saves memory for a million rows
    cells: pd.DataFrame = pd.read_csv(
        io.BytesIO(data),
        sep=separator,
        header=None,
        names=range(width),
        dtype="str",
        na_filter=False,
        lineterminator="\n",
        index_col=False,
        encoding_errors="surrogatepass",
    )
    if plain:
        return cells
    return cells.apply(_stripped)


def _stripped(column: pd.Series) -> pd.Series:
    return column.str.strip()


def _parse_odd(lines: Lines, width: int, log: ProblemLog, fill_short: bool) -> pd.DataFrame:
    """Parse lines with quotes or with a wrong number of fields, one by one."""
    rows: dict[int, list[str]] = {}
    faults = 0
    for number, line in zip(lines.numbers, lines.texts, strict=True):
        fields = [field.strip() for field in lines.split(line) or []]
        while len(fields) > width and not fields[-1]:
            fields.pop()
        if len(fields) == width:
            rows[number] = fields
            continue
        faults += 1
        if faults > _MOST_ODD:
            if faults == _MOST_ODD + 1:
                log.add(file_kinds.TOO_MANY_ODD_ROWS, lines.path, row=number, limit=_MOST_ODD, expected=width)
            continue
        if 0 < len(fields) < width and fill_short:
            rows[number] = fields + [""] * (width - len(fields))
        _report_odd(len(fields), width, lines.path, number, log, filled=number in rows)
    index = pd.Index(list(rows), dtype="int64", name="row")
    return pd.DataFrame(list(rows.values()), index=index, columns=range(width), dtype="str")


def _report_odd(fields: int, width: int, path: str, row: int, log: ProblemLog, filled: bool) -> None:
    """Report a row with a wrong number of fields, 0 if a quote is not closed."""
    if not fields:
        log.add(file_kinds.BROKEN_QUOTES, path, row=row)
    else:
        kind = file_kinds.MISSING_FIELDS if filled else file_kinds.WRONG_NUMBER_OF_FIELDS
        log.add(kind, path, row=row, fields=fields, expected=width)
