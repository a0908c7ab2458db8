"""Decode the bytes of a table so that the same bytes can be restored."""

import codecs


def decode(data: bytes) -> tuple[str, str]:
    """Decode bytes; return the text and the encoding that restores the same bytes, with any byte order mark."""
    marks = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
    for encoding in (marks.get(data[:2], "utf-8"), "cp1252"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1"), "latin-1"
