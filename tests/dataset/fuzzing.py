"""Sound files made bad: from the bytes of one file, a list of mutated ones, always the same for the same name."""

import copy
import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

Payloads = list[tuple[str, bytes]]
"""What was done, and the bytes that came of it."""

TOKENS = (
    "", " ", "-1", "0", "-0", "1", "NaN", "inf", "-inf", "1e300", "1e-320", "9" * 400, "9" * 5_000, "0x10", "1_000",
    "１２", "12.5", "1,5", "true", "None", "N/A", "999999999", "2147483648", "9223372036854775808", "1e9", "-0.5",
    "../canary.csv", "../../etc/passwd", "/etc/passwd", "..\\canary.csv", "C:\\Windows", "file:///etc/passwd",
    "//server/share", "S100T1_frame_00000001.jpeg", "S999T9_frame_00000001.jpeg", "S100T1", "S100T1/../S100T2",
    "a" * 70_000,
    "{x1}", "{0.__class__}", "%s%n", "\u202e", "\U0001f600", "é", "=1+1", "'", '"', "<b>", "&amp;", "suction",
    "Scissors", "drill\u2028x", "\x85", "\x1c", "\x0b", "\r", "\t", "\0", "~", "*a", "&a", "? a : b",
)  # fmt: skip
"""What stands where a number, a name or a label should."""

VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1.5, 1e308, float("nan"), float("inf"), 10**30, 10**400, -(10**400), "", "12", "１２",
    "../canary.csv", "/etc/passwd", "a" * 70_000, "\ud800", "\0", "{x1}", [], {}, [[]], [1, 2], ["a"] * 4, [None] * 4,
    [1e308, 1e308, 1e308, 1e308], [0, 0, -5, -5], {"id": {"id": {}}}, list(range(1_000)), "1e400", 999_999_999,
)  # fmt: skip


def text_payloads(seed: bytes, name: str, random_ones: int, separators: str) -> Payloads:
    """Mutations that hold for every text of lines and fields, which one of `separators` ends."""
    rng = random.Random(name)
    made = [*truncated(seed), *reencoded(seed), *relined(seed, rng)]
    tricks: tuple[Callable[[bytes, str, random.Random], bytes], ...] = (_replace_field, _replace_field, _move_field)
    for number in range(random_ones):
        trick = flip if number % 4 == 3 else rng.choice(tricks)
        data = seed
        for _ in range(rng.choice((1, 1, 2, 5))):
            data = trick(data, separators, rng)
        made.append((f"{trick.__name__} {number}", data))
    return made


def truncated(seed: bytes) -> Payloads:
    """Cut off at every tenth of the length: empty, one tenth, …"""
    return [(f"cut at {tenth}/10", seed[: len(seed) * tenth // 10]) for tenth in range(10)]


def reencoded(seed: bytes) -> Payloads:
    """The same text in other encodings, with line ends of other systems and bytes that no text has."""
    text = seed.decode("utf-8", "replace")
    half = len(seed) // 2
    return [
        *((name, text.encode(name)) for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig")),
        ("latin-1", seed[:half] + b"\xe9\xdf" + seed[half:]),
        ("no cp1252", seed[:half] + b"\x81\x9d" + seed[half:]),
        ("surrogate", seed[:half] + b"\xed\xa0\x80" + seed[half:]),
        ("utf-16 cut in a letter", text.encode("utf-16")[:-1]),
        ("NUL inside", seed[:half] + b"\0\0" + seed[half:]),
        ("NUL alone", b"\0" * 200),
        ("NUL at the end", seed + b"\0" * 100),
        ("cr", seed.replace(b"\n", b"\r")),
        ("crlf", seed.replace(b"\n", b"\r\n")),
        ("blank", b" \t\r\n" * 20),
        ("commas", b",,,,,\n" * 30),
        ("quotes", b'"' * 301),
        ("binary", random.Random(0).randbytes(600)),
        ("JPEG", b"\xff\xd8\xff\xe0" + bytes(range(256))),
        ("zip", b"PK\x03\x04" + bytes(range(256))),
    ]


def relined(seed: bytes, rng: random.Random) -> Payloads:
    """Lines doubled, deleted, in another order, joined."""
    lines = seed.splitlines(keepends=True)
    mixed = lines.copy()
    rng.shuffle(mixed)
    gap = rng.randrange(len(lines))
    return [
        ("lines doubled", b"".join(line for line in lines for _ in range(2))),
        ("file doubled", seed + seed),
        ("backwards", b"".join(reversed(lines))),
        ("mixed", b"".join(mixed)),
        ("first gone", b"".join(lines[1:])),
        ("last gone", b"".join(lines[:-1])),
        ("one gone", b"".join(lines[:gap] + lines[gap + 1 :])),
        ("joined", b"".join(line.rstrip(b"\n") for line in lines)),
        ("blank lines", b"\n\n".join(lines)),
        ("no end", seed.rstrip(b"\n")),
        ("semicolons", seed.replace(b",", b";")),
        ("tabs", seed.replace(b",", b"\t").replace(b" ", b"\t")),
    ]


def xml_payloads(seed: bytes, name: str, random_ones: int) -> Payloads:
    """Mutations of an XML file; one third are those that were made up to do harm."""
    rng = random.Random(name)
    made = [*text_payloads(seed, name, random_ones // 2, '"<>\n'), *_harmful_xml(seed)]
    for number in range(random_ones // 2):
        text = seed.decode()
        for _ in range(rng.choice((1, 1, 3))):
            text = _change_tag(text, rng)
        made.append((f"tags {number}", text.encode()))
    return made


def _harmful_xml(seed: bytes) -> Iterator[tuple[str, bytes]]:
    head, _, body = seed.decode().rpartition("?>")
    head += "?>" if head else ""
    root = re.match(r"\s*<(\w+)", body)
    assert root is not None
    inner = body[root.end() + body[root.end() :].index(">") + 1 :]

    def declared(inside: str, used: str = "") -> bytes:
        return f"{head}<!DOCTYPE {root[1]} {inside}><{root[1]}>{used}{inner}".encode()

    bomb = '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(12))
    yield "entity bomb", declared(f"[{bomb}]", "&a12;")
    yield "long entity", declared(f'[<!ENTITY a "{"x" * 50_000}">]', "&a;" * 1_000)
    for target in ("file:///etc/passwd", "../canary.csv", "http://127.0.0.1:9/x"):
        yield f"external {target}", declared(f'[<!ENTITY x SYSTEM "{target}">]', "<name>&x;</name>")
        yield f"parameter {target}", declared(f'[<!ENTITY % x SYSTEM "{target}"> %x;]')
        yield f"external type {target}", declared(f'SYSTEM "{target}"')
        include = f'<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="{target}" parse="text"/>'
        yield f"include {target}", f"{head}<{root[1]}>{include}{inner}".encode()
        sheet = f'<?xml-stylesheet href="{target}"?>'
        yield f"sheet {target}", f"{head}{sheet}{body}".encode()
    odd = ("utf-7", "unicode_escape", "raw-unicode-escape", "idna", "undefined", "no-such", "x" * 300, "a\0")
    for encoding in ("utf-16", "latin-1", "ascii", "ebcdic-cp-us", *odd):
        yield f"says {encoding[:20]}", f'<?xml version="1.0" encoding="{encoding}"?>{body}'.encode()
    for depth in (40, 60, 5_000):
        yield f"{depth} deep", f"{head}<{root[1]}>{'<track>' * depth}{'</track>' * depth}{inner}".encode()
    many = " ".join(f'a{n}="1"' for n in range(500))
    yield "500 attributes", f"{head}<{root[1]} {many}>{inner}".encode()
    yield "doubled attribute", f'{head}<{root[1]} a="1" a="2">{inner}'.encode()
    yield "long attribute", f'{head}<{root[1]} a="{"x" * 1_100_000}">{inner}'.encode()
    yield "long text", f"{head}<{root[1]}>{'x' * 300_000}{inner}".encode()
    yield "long comment", f"{head}<{root[1]}><!--{'x' * 300_000}-->{inner}".encode()
    yield "cdata", f"{head}<{root[1]}><![CDATA[{inner}]]></{root[1]}>".encode()
    yield "namespace", f'{head}<{root[1]} xmlns="urn:x">{inner}'.encode()
    yield "unbound prefix", f"{head}<{root[1]}><q:a/>{inner}".encode()
    yield "two roots", f"{head}{body}{body}".encode()
    yield "other root", f"{head}{body.replace(root[1], 'html')}".encode()
    yield "character reference", f"{head}<{root[1]}>&#0;&#xD800;&#1114112;{inner}".encode()


def _change_tag(text: str, rng: random.Random) -> str:
    """Drop, double, rename or move a tag, or give an attribute another value."""
    tags = list(re.finditer(r"<[^>]+>", text))
    values = list(re.finditer(r'(\w+)="[^"]*"', text))
    if not tags:
        return text
    tag = rng.choice(tags)
    kind = rng.randrange(6 if values else 4)
    if kind < 4:
        other = rng.choice(tags)
        by = ("", tag[0] * 2, re.sub(r"\w+", other[0].strip("</>").split()[0], tag[0], count=1), other[0])[kind]
        return text[: tag.start()] + by + text[tag.end() :]
    value = rng.choice(values)
    token = rng.choice(TOKENS).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    by = "" if kind == 4 else f'{value[1]}="{token}"'
    return text[: value.start()] + by + text[value.end() :]


def json_payloads(seed: bytes, name: str, random_ones: int) -> Payloads:
    """Mutations of a JSON file; most change its tree and leave it well-formed."""
    rng = random.Random(name)
    made = text_payloads(seed, name, random_ones // 3, ',:[]{}"\n')
    for number in range(random_ones * 2 // 3):
        content = json.loads(seed)
        for _ in range(rng.choice((1, 1, 2, 5))):
            _change_node(content, rng)
        made.append((f"tree {number}", json.dumps(content).encode()))
    text = seed.decode().strip()
    made += [
        (f"{depth} deep", b'{"images": ' + opening * depth + closing * depth + b', "annotations": []}')
        for depth, opening, closing in ((900, b"[", b"]"), (50_000, b"[", b"]"), (20_000, b'{"a":', b"}"))
    ]
    made += [(f"is {value}", value.encode()) for value in ("[]", "{}", "null", "1", '"a"', "[" * 99_999, "NaN", "{,}")]
    made += [
        ("long number", text.replace("1", "1" * 6_000, 1).encode()),
        ("keys twice", (text[:-1] + ', "images": [], "annotations": {}}').encode()),
        ("lists as objects", text.replace("[", '{"a":').replace("]", "}").encode()),
        ("two", (text + text).encode()),
    ]
    return made


def _change_node(content: Any, rng: random.Random) -> None:
    """Give one value anywhere in a tree another type, or drop, double or rename it."""
    places = list(_places(content))
    if not places:
        return
    holder, key = rng.choice(places)
    kind = rng.randrange(5)
    if kind < 3:
        holder[key] = copy.deepcopy(rng.choice(VALUES))
    elif kind == 3:
        holder.pop(key)
    elif isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    else:
        holder[str(rng.choice(TOKENS))] = holder.pop(key)


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    keys = range(len(content)) if isinstance(content, list) else list(content) if isinstance(content, dict) else ()
    for key in keys:
        yield content, key
        yield from _places(content[key])


def yaml_payloads(seed: bytes, name: str, random_ones: int) -> Payloads:
    """Mutations of data.yaml."""
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [{f'*a{n},' * 9}]\n" for n in range(15))
    merge = "a0: &a0 {k: x}\n" + "".join(f"a{n + 1}: &a{n + 1} {{<<: [*a{n}, *a{n}], k{n}: x}}\n" for n in range(15))
    made = [
        ("alias bomb", f"{bomb}names: *a15\n"),
        ("merge bomb", f"{merge}names: *a15\n"),
        ("python object", "names: !!python/object/apply:os.system ['touch ../canary.csv']\n"),
        ("python name", "names: !!python/name:os.system\n"),
        ("own tag", "names: !include ../canary.csv\n"),
        ("recursive", "names: &a [*a]\n"),
        ("deep", f"names: {'[' * 9_000}{']' * 9_000}\n"),
        ("deep mapping", "".join(" " * n + "a:\n" for n in range(500)) + "names: [a]\n"),
        ("two documents", "names: [a]\n---\nnames: [b]\n"),
        ("complex key", "? [names]\n: [a]\n? {a: b}\n: c\n"),
        ("odd numbers", "names: {1e9: a, -1: b, 0x1: c, 999999999999: d, １: e, true: f, ~: g}\n"),
        ("nested names", "names: [[a], {b: c}, null, '', 12]\n"),
        ("long name", f"names: ['{'x' * 60_000}']\n"),
    ]
    return [*text_payloads(seed, name, random_ones, ":,[]\n "), *((what, text.encode()) for what, text in made)]


def _fields(data: bytes, separators: str) -> list[tuple[int, int]]:
    pattern = re.compile(rb"[^" + re.escape(separators.encode()) + rb"\n]+")
    return [match.span() for match in pattern.finditer(data)] or [(0, len(data))]


def _replace_field(data: bytes, separators: str, rng: random.Random) -> bytes:
    start, end = rng.choice(_fields(data, separators))
    return data[:start] + rng.choice(TOKENS).encode() + data[end:]


def _move_field(data: bytes, separators: str, rng: random.Random) -> bytes:
    """Drop a field with what ends it, double it, or put another in its place."""
    fields = _fields(data, separators)
    (start, end), (other, other_end) = rng.choice(fields), rng.choice(fields)
    by = (b"", data[start : end + 1] * 2, data[other:other_end] + data[end : end + 1])[rng.randrange(3)]
    return data[:start] + by + data[end + 1 :]


def flip(data: bytes, separators: str, rng: random.Random) -> bytes:
    """Change, insert or delete some bytes."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 2, 8, 30))):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(3):
            case 0:
                out[at : at + 1] = rng.randbytes(1)
            case 1:
                out[at:at] = rng.randbytes(rng.choice((1, 4)))
            case _:
                del out[at : at + rng.choice((1, 4))]
    return bytes(out)
