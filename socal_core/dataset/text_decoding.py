"""Decode the text files of a data folder, which may come from any program and operating system."""

import codecs

from socal_core.dataset.problem_kinds import file_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.errors import DataError

_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""The first bytes of a workbook, in the present and in the earlier format."""


def decode_text(data: bytes, name: str, log: ProblemLog) -> str:
    """Decode the text of a file.

    Args:
        data: The bytes of the file.
        name: The file, relative to the data folder.
        log: Receives a problem if the encoding is not UTF-8.

    Returns:
        The text with Unix line ends.

    Raises:
        DataError: The file is not text; the message is only the reason.
    """
    if data.startswith(_WORKBOOK):
        raise DataError("it is a workbook of Excel or an archive, not a CSV file")
    encoding, row = "utf-8-sig", 1
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        row = _unix(data[: error.start].decode("latin-1")).count("\n") + 1
        try:
            encoding, text = "Windows-1252", data.decode("cp1252")
        except UnicodeDecodeError:
            encoding, text = "Latin-1", data.decode("latin-1")
    if encoding != "utf-8-sig":
        log.add(file_kinds.NOT_UTF_8, name, row=row, encoding=encoding)
    return _unix(text)


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
