"""Read XML of annotation tools as a stream of small elements, safely even if the file is malicious.

defusedxml rejects document types, entities and references to other files. This module limits the memory: elements are
yielded one by one and not kept, and their depth, length and number are limited.
"""

import math
import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, XMLParser

from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import file_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.tables import LARGEST_INTEGER
from socal_core.errors import DataError

LARGEST_XML = 100_000_000
"""Bytes per file: half a million boxes in CVAT's format, eight times as many as SOCAL has."""
MOST_BOXES = 2_000_000
"""Boxes per format and data folder, about as many as recordings at 30 frames per second would have."""
MOST_SNIFFED = 1_000
"""The number of XML files of a folder to search before giving up; once one fits, all are searched. The folder of
another tool may hold one file per frame."""

TRACK_ID_RULE = "a whole number of at least 0"
"""The values that `to_track_id` accepts, for messages."""
HEAD = 1 << 16
"""The number of bytes at the start of a file that are enough to recognize it."""

_CVAT_NAME = "annotations.xml"
_CHUNK = 1 << 16
_NO_ENCODING = "it names an encoding that is not known; save it as UTF-8"
_ESCAPES = re.compile(rb"<\?xml[^>]{1,200}unicode.escape", re.IGNORECASE)
"""Python's codec for source code. It would emit warnings about the content of a file."""
_LONGEST_TAG = 1_000_000
_TOO_LONG = re.compile(rb"<[^<]{%d}" % _LONGEST_TAG)
_LONGEST_TEXT = 1_000
_MOST_ATTRIBUTES = 64
_DEEPEST = 50
_MOST_KEPT = 10_000
_MOST_WANTED = 3_000_000
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot contain, even if escaped."""


@dataclass(slots=True, eq=False)
class Element:
    """One element; `text` is its text before and between its children, about 1,000 characters at most."""

    name: str
    attributes: dict[str, str]
    line: int
    """The line of the tag of a wanted element; 0 for other elements."""
    level: int
    """1 for the outermost element."""
    parent: "Element | None"
    kept: bool
    """Whether its text and children are kept."""
    text: str = ""
    children: list["Element"] | None = None

    def child_text(self, name: str) -> str:
        """Return the text of its first child with a name, "" if there is none."""
        return next((child.text.strip() for child in self.children or () if child.name == name), "")


class XmlFile:
    """An iterable of the elements of an XML file with wanted names, in the order in which they end.

    Each element holds its attributes, its ancestors, and its content except for other wanted elements. If the file is
    cut off or rejected, the iteration reports a problem and ends, and `complete` stays False.
    """

    def __init__(self, path: str, data: bytes, wanted: Set[str], log: ProblemLog) -> None:
        self.path = path
        self.complete = False
        self.root = ""
        """The name of the outermost element, "" until it is read."""
        self._data = data
        self._wanted = wanted
        self._log = log
        self._found: list[Element] = []

    def __iter__(self) -> Iterator[Element]:
        long = _TOO_LONG.search(self._data) if len(self._data) > _LONGEST_TAG else None
        if long is not None:
            row = self._data.count(b"\n", 0, long.start()) + 1
            self._report(f"there are more than {_LONGEST_TAG:,} bytes between two tags", row)
            return
        if _ESCAPES.search(self._data[:HEAD].replace(b"\0", b"")):
            self._report(_NO_ENCODING, 1)
            return
        parser = XMLParser(target=object(), forbid_dtd=True)
        expat = parser.parser
        self._listen(expat)
        for start in range(0, len(self._data), _CHUNK):
            is_valid = self._feed(parser, expat, self._data[start : start + _CHUNK])
            yield from self._found
            self._found.clear()
            if not is_valid:
                break
        else:
            self.complete = self._feed(parser, expat, None)
        # Without handlers, there is no reference cycle, and the parser is freed at once.
        expat.StartElementHandler = expat.EndElementHandler = expat.CharacterDataHandler = None

    def _listen(self, expat: Any) -> None:
        wanted, found, path = self._wanted, self._found, [Element("", {}, 0, 0, None, False)]
        kept, kept_before, number = 0, [0], 0

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal kept, number
            above, own, level = path[-1], name in wanted, len(path)
            if level == 1:
                self.root = name
            if own:
                kept_before.append(kept)
                number += 1
            elif above.kept:
                kept += 1
            if level > _DEEPEST or len(attributes) > _MOST_ATTRIBUTES or kept > _MOST_KEPT or number > _MOST_WANTED:
                raise DataError("it has more elements, or in one another, than annotations have")
            element = Element(name, attributes, expat.CurrentLineNumber if own else 0, level, above, own or above.kept)
            if above.kept and not own:
                above.children = above.children or []  # created when needed: most elements have no children
                above.children.append(element)
            path.append(element)

        def end(name: str) -> None:
            nonlocal kept
            element = path.pop()
            if name in wanted:
                kept = kept_before.pop()
                found.append(element)

        def text(content: str) -> None:
            element = path[-1]
            if element.kept and len(element.text) < _LONGEST_TEXT:
                element.text += content[:_LONGEST_TEXT]

        expat.ordered_attributes = False
        expat.DefaultHandlerExpand = None
        expat.StartElementHandler, expat.EndElementHandler, expat.CharacterDataHandler = start, end, text

    def _feed(self, parser: Any, expat: Any, chunk: bytes | None) -> bool:
        """Parse the next bytes, or None at the end; return False and report a problem if they are not valid."""
        try:
            if chunk is None:
                parser.close()
            else:
                parser.feed(chunk)
        except ParseError as error:
            reason = str(error).partition(":")[0]
            self._report(f"it is cut off or damaged there ({reason})", error.position[0])
        except DefusedXmlException:
            text = "it declares a document type or entities, which can pull in other files; remove the <!DOCTYPE …>"
            self._report(text, expat.CurrentLineNumber)
        except DataError as error:
            self._report(str(error), expat.CurrentLineNumber)
        except (LookupError, ValueError):
            self._report(_NO_ENCODING, 1)
        else:
            return True
        return False

    def _report(self, reason: str, row: int) -> None:
        self._log.add(file_kinds.BROKEN_XML, self.path, row=row, reason=reason)


def read_xml(
    folder: DataFolder, path: str, wanted: Set[str], log: ProblemLog, limit: int = LARGEST_XML
) -> XmlFile | None:
    """Open an XML file of the data folder.

    Args:
        folder: The data folder.
        path: The file.
        wanted: The names of the elements to iterate over.
        log: Receives the problems.
        limit: The largest size in bytes.

    Returns:
        The wanted elements; None, with a problem, if the file cannot be read or is empty.
    """
    try:
        data = folder.read(path, limit)
    except DataError as error:
        log.add(file_kinds.UNREADABLE_FILE, path, reason=error)
        return None
    if not data.strip():
        log.add(file_kinds.EMPTY_FILE, path)
        return None
    return XmlFile(path, data, wanted, log)


def find_xml(folder: DataFolder, folders: tuple[str, ...], fits: Callable[[bytes, bytes], bool]) -> list[str]:
    """Find XML files by their content; a file that cannot be read is found by the name that CVAT gives it.

    Args:
        folder: The data folder.
        folders: The folders to search, "" for the data folder itself; subfolders are not searched.
        fits: Called with the start of a file (as ASCII) and its whole content; returns whether the file fits.
    """
    found: list[str] = []
    for parent in folders:
        before = len(found)
        for number, path in enumerate(list_xml(folder, parent)):
            if number >= MOST_SNIFFED and len(found) == before:
                break
            try:
                data = folder.read(path, LARGEST_XML)
            except DataError:
                if path.rpartition("/")[2].lower() == _CVAT_NAME:
                    found.append(path)  # reading it will report why it cannot be read
                continue
            if fits(data[:HEAD].replace(b"\0", b""), data):  # without NUL, UTF-16 reads as ASCII
                found.append(path)
    return found


def list_xml(folder: DataFolder, parent: str) -> list[str]:
    """Return the paths of the XML files directly in a folder ("" for the data folder); empty if it does not exist."""
    above, _, own = parent.rpartition("/")
    try:
        if parent and own not in folder.listing(above).folders:
            return []
        names = folder.listing(parent).files
    except OSError:
        return []
    return [f"{parent}/{name}".lstrip("/") for name in names if name.lower().endswith(".xml")]


def to_number(text: str | None) -> float:
    """Convert a text to a number, NaN if it is not a number."""
    try:
        return float(text or "")
    except ValueError:
        return math.nan


def to_track_id(text: str | None) -> int | None:
    """Convert a text to a track id, a whole number from 0 to LARGEST_INTEGER; None if it is not one."""
    number = to_number(text)
    return int(number) if 0 <= number <= LARGEST_INTEGER and number % 1 == 0 else None


def xml_text(value: object) -> str:
    """Escape a value as the text of an element; replace characters that XML cannot contain."""
    return escape(_FORBIDDEN.sub("\ufffd", str(value)), {"\r": "&#13;"})


def xml_attribute(value: object) -> str:
    """Quote a value as an attribute; replace characters that XML cannot contain."""
    return quoteattr(_FORBIDDEN.sub("\ufffd", str(value)))
