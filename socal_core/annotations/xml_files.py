"""XML of annotation tools as a stream of small elements, safe against files that were made to do harm.

defusedxml refuses document types, entities and references to other files. What else could fill the memory is limited
here: elements are handed out one by one and forgotten, and how deep, long and many they may be has a bound each.
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
"""Bytes of one file: half a million boxes as CVAT writes them, eight times what SOCAL has."""
MOST_BOXES = 2_000_000
"""Boxes of one format in one folder, about as many as recordings at 30 frames a second would have."""
MOST_SNIFFED = 1_000
"""XML files of one folder whose content is looked at while none of them is what is looked for: a folder of another
tool can hold one file a frame. Once one is, all are looked at."""

TRACK_ID_RULE = "a whole number of at least 0"
"""What `to_track_id` expects, for messages."""
HEAD = 1 << 16
"""Bytes that are looked at to tell what a file is."""

_CVAT_NAME = "annotations.xml"
_CHUNK = 1 << 16
_NO_ENCODING = "it names an encoding that is not known; save it as UTF-8"
_ESCAPES = re.compile(rb"<\?xml[^>]{1,200}unicode.escape", re.IGNORECASE)
"""Python's own codec for source code, which would warn of what it finds in a file."""
_LONGEST_TAG = 1_000_000
_TOO_LONG = re.compile(rb"<[^<]{%d}" % _LONGEST_TAG)
_LONGEST_TEXT = 1_000
_MOST_ATTRIBUTES = 64
_DEEPEST = 50
_MOST_KEPT = 10_000
_MOST_WANTED = 3_000_000
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


@dataclass(slots=True, eq=False)
class Element:
    """One element; `text` is what stands in it before and between its children, at most 1,000 characters."""

    name: str
    attributes: dict[str, str]
    line: int
    """Of the tag of a wanted element; 0 of others."""
    level: int
    """1 for the outermost element."""
    parent: "Element | None"
    kept: bool
    """Whether its text and children are remembered."""
    text: str = ""
    children: list["Element"] | None = None

    def child_text(self, name: str) -> str:
        """The text of its first child of a name, "" when there is none."""
        return next((child.text.strip() for child in self.children or () if child.name == name), "")


class XmlFile:
    """The elements of some names in an XML file, in the order in which they end.

    Each holds its attributes, the elements above it, and what is in it unless that is asked for by itself. Where the
    file breaks off or is refused, a problem is noted and the iteration ends; `complete` tells whether that happened.
    """

    def __init__(self, path: str, data: bytes, wanted: Set[str], log: ProblemLog) -> None:
        self.path = path
        self.complete = False
        self.root = ""
        """The name of the outermost element, "" while there is none."""
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
            sound = self._feed(parser, expat, self._data[start : start + _CHUNK])
            yield from self._found
            self._found.clear()
            if not sound:
                break
        else:
            self.complete = self._feed(parser, expat, None)
        # Without its handlers the parser is freed at once, not when cycles are next looked for.
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
                above.children = above.children or []  # made when first needed: most elements have none
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
        """Hand over the next bytes, None at the end; False, and a problem, when the file is not sound there."""
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
    """The wanted elements of a file of the data folder; None, and a problem, when it cannot be read or is empty."""
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
    """The XML files directly in these folders ("" is the root) that fit by their head (as ASCII) and whole content.

    One that cannot be read is found by the name that CVAT gives.
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
                    found.append(path)  # reading it will say why it cannot be read
                continue
            if fits(data[:HEAD].replace(b"\0", b""), data):  # without NUL, UTF-16 reads as ASCII
                found.append(path)
    return found


def list_xml(folder: DataFolder, parent: str) -> list[str]:
    """The paths of the XML files directly in a folder ("" is the root); empty when there is no such folder."""
    above, _, own = parent.rpartition("/")
    try:
        if parent and own not in folder.listing(above).folders:
            return []
        names = folder.listing(parent).files
    except OSError:
        return []
    return [f"{parent}/{name}".lstrip("/") for name in names if name.lower().endswith(".xml")]


def to_number(text: str | None) -> float:
    """The number that a text spells, NaN when it is none."""
    try:
        return float(text or "")
    except ValueError:
        return math.nan


def to_track_id(text: str | None) -> int | None:
    """The track id that a text spells: a whole number from 0 to LARGEST_INTEGER; None when it is none."""
    number = to_number(text)
    return int(number) if 0 <= number <= LARGEST_INTEGER and number % 1 == 0 else None


def xml_text(value: object) -> str:
    """A value as the text of an element; what XML cannot hold becomes the replacement character."""
    return escape(_FORBIDDEN.sub("\ufffd", str(value)), {"\r": "&#13;"})


def xml_attribute(value: object) -> str:
    """A value as a quoted attribute; what XML cannot hold becomes the replacement character."""
    return quoteattr(_FORBIDDEN.sub("\ufffd", str(value)))
