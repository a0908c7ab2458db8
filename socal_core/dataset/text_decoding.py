"""Decode the text files of a data folder, which may come from any program and operating system."""

import codecs

from socal_core.dataset.problem_kinds import file_kinds
from socal_core.dataset.problems import ProblemLog


def decode_text(data: bytes, name: str, log: ProblemLog) -> str:
    """Decode text to Unix line ends, with another encoding than UTF-8 if necessary, which is reported."""
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
