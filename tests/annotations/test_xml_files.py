from pathlib import Path

import pandas as pd
import pytest

from socal_core.annotations import xml_files
from socal_core.annotations.xml_files import (
    XmlFile,
    find_xml,
    read_xml,
    to_number,
    to_track_id,
    xml_attribute,
    xml_text,
)
from socal_core.dataset.dataset import Problem, Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problems import ProblemLog

WANTED = frozenset({"track", "box"})
SOUND = b"""<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <track id="3">
    <box frame="1"><attribute name="a"> t&lt;1 </attribute></box>
    <box frame="2"/>
  </track>
</annotations>
"""


def parse(data: bytes, wanted: frozenset[str] = WANTED) -> tuple[list[xml_files.Element], XmlFile, tuple[Problem, ...]]:
    log = ProblemLog()
    file = XmlFile("a.xml", data, wanted, log)
    return list(file), file, log.problems()


def test_elements_come_when_they_end_with_what_is_above_and_in_them() -> None:
    elements, file, problems = parse(SOUND)
    assert [(element.name, element.line, element.level) for element in elements] == [
        ("box", 4, 3),
        ("box", 5, 3),
        ("track", 3, 2),
    ]
    assert elements[0].child_text("attribute") == "t<1"
    assert elements[0].child_text("other") == ""
    assert elements[0].parent is elements[2]
    assert elements[2].attributes == {"id": "3"}
    assert elements[2].children is None
    assert (file.root, file.complete, problems) == ("annotations", True, ())


@pytest.mark.parametrize("part", range(1, 10))
def test_a_truncated_file_gives_what_was_complete(part: int) -> None:
    data = SOUND[: len(SOUND.rstrip()) * part // 10]
    elements, file, (problem,) = parse(data)
    assert len(elements) == data.count(b"</box>") + data.count(b"/>") + data.count(b"</track>")
    assert not file.complete
    assert (problem.code, problem.severity, problem.path) == ("broken-xml", Severity.ERROR, "a.xml")
    assert problem.row is not None
    assert abs(problem.row - data.count(b"\n") - 1) <= 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "windows-1252"])
def test_the_declared_encoding_holds(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    data = f'<?xml version="1.0" encoding="{declared}"?><a><box l="Pinzón"/></a>'.encode(encoding)
    (element,), _, problems = parse(data)
    assert (element.attributes["l"], problems) == ("Pinzón", ())


ENTITIES = b'<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;&x;&x;">]><a><box>&y;</box></a>'
EXTERNAL = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a><box>&x;</box></a>'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (ENTITIES, "document type"),
        (EXTERNAL, "document type"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a><box/></a>', "document type"),
        (b"<a><box>&x;</box></a>", "undefined entity"),
        (b'<?xml version="1.0" encoding="no-such"?><a><box/></a>', "encoding"),
        (b'<?xml version="1.0" encoding="utf-7"?><a><box/></a>', "encoding"),
        (b'<?xml version="1.0" encoding="big5"?><a><box/></a>', "encoding"),
        (b'<?xml version="1.0" encoding="hex"?><a><box/></a>', "encoding"),
        (b'<?xml version="1.0" encoding="utf-16"?><a><box/></a>', "encoding specified"),
        ("<a l='ó'><box/></a>".encode("latin-1"), "not well-formed"),
        (b"\0\0\0", "cut off or damaged"),
        (b"no xml", "syntax error"),
        (b"{}", "not well-formed"),
        (b"<a>" * 60, "more elements"),
        (b"<a><box>" + b"<c/>" * 20_000, "more elements"),
        (b"<a " + b" ".join(b'a%d=""' % number for number in range(100)) + b"/>", "more elements"),
        (b"<a><box>" + b"x" * 1_100_000, "1,000,000 bytes"),
        (b"<a " + b'b="" ' * 220_000, "1,000,000 bytes"),
    ],
)
def test_what_is_refused_is_said(data: bytes, said: str) -> None:
    elements, file, (problem,) = parse(data)
    assert elements == []
    assert not file.complete
    assert (problem.code, problem.path) == ("broken-xml", "a.xml")
    assert problem.row == 1
    assert said in problem.parameters["reason"]


def test_attributes_of_many_boxes_in_one_track_are_no_harm() -> None:
    data = b"<a><track>" + b'<box><attribute name="a">1</attribute></box>' * 12_000 + b"</track></a>"
    elements, file, _ = parse(data)
    assert (len(elements), file.complete) == (12_001, True)


def test_the_number_of_elements_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_files, "_MOST_WANTED", 10)
    elements, _, (problem,) = parse(b"<a>" + b"<box/>" * 20)
    assert len(elements) == 10
    assert "more elements" in problem.parameters["reason"]


def test_long_text_is_cut() -> None:
    (element,), _, _ = parse(b"<a><box>" + b"x<!---->" * 3_000 + b"</box></a>")
    assert element.text == "x" * 1_000


@pytest.mark.parametrize(("content", "code"), [(b"", "empty-file"), (b" \n", "empty-file"), (None, "unreadable-file")])
def test_a_file_that_gives_nothing(tmp_path: Path, log: ProblemLog, content: bytes | None, code: str) -> None:
    if content is not None:
        (tmp_path / "a.xml").write_bytes(content)
    assert read_xml(DataFolder(tmp_path), "a.xml", WANTED, log) is None
    assert [(problem.code, problem.path) for problem in log.problems()] == [(code, "a.xml")]


def test_a_file_that_is_too_large(tmp_path: Path, log: ProblemLog) -> None:
    (tmp_path / "a.xml").write_bytes(SOUND)
    assert read_xml(DataFolder(tmp_path), "a.xml", WANTED, log, limit=10) is None
    assert "more than the 10" in log.problems()[0].parameters["reason"]


def test_files_are_found_by_their_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_files, "LARGEST_XML", 1_000)
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.XML").write_bytes(SOUND)
    (tmp_path / "c.xml").write_bytes(b"<other/>")
    (tmp_path / "sub" / "annotations.xml").write_bytes(b" " * 2_000)
    (tmp_path / "sub" / "d.xml").write_text('<?xml version="1.0" encoding="utf-16"?><annotations/>', encoding="utf-16")
    (tmp_path / "sub" / "e.xml").write_bytes(b" " * 2_000)

    def fits(head: bytes, data: bytes) -> bool:
        return b"<annotations" in head

    assert find_xml(DataFolder(tmp_path), ("", "sub", "none"), fits) == ["b.XML", "sub/annotations.xml", "sub/d.xml"]


@pytest.mark.parametrize(("first", "expected"), [(b"<annotations/>", 5), (b"<other/>", 0)])
def test_no_file_of_a_large_folder_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bytes, expected: int
) -> None:
    monkeypatch.setattr(xml_files, "MOST_SNIFFED", 2)
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.xml").write_bytes(b"<annotations/>")
    for number in range(6):
        content = b"<other/>" if number == 3 else first if number < 2 else b"<annotations/>"
        (tmp_path / "sub" / f"{number}.xml").write_bytes(content)
    found = find_xml(DataFolder(tmp_path), ("", "sub"), lambda head, data: b"<annotations" in head)
    assert found == ["a.xml", *[f"sub/{number}.xml" for number in (0, 1, 2, 4, 5)[:expected]]]


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5", 1.5), (" -2 ", -2.0), ("1e300", 1e300), ("inf", float("inf")), ("9" * 5000, float("inf"))],
)
def test_numbers(text: str, number: float) -> None:
    assert to_number(text) == number


@pytest.mark.parametrize("text", [None, "", "two", "nan", "1,5"])
def test_what_is_no_number(text: str | None) -> None:
    assert pd.isna(to_number(text))


@pytest.mark.parametrize(
    ("text", "own"),
    [("0", 0), ("3.0", 3), ("-1", None), ("1.5", None), ("nan", None), ("inf", None), ("1e300", None), (None, None)],
)
def test_track_ids(text: str | None, own: int | None) -> None:
    assert to_track_id(text) == own


@pytest.mark.parametrize("value", ["plain", "<a & \"b\"> 'c'", "]]>", "a\r\nb\tc", "ó🙂", "\x00\x0b\ufffe"])
def test_what_is_escaped_reads_the_same(value: str) -> None:
    data = f"<a><box l={xml_attribute(value)}>{xml_text(value)}</box></a>".encode()
    (element,), _, problems = parse(data)
    sound = value.translate(dict.fromkeys(map(ord, "\x00\x0b\ufffe"), "\ufffd"))
    assert (element.attributes["l"], element.text, problems) == (sound, sound, ())
