"""Zip archives made bad, each unpacked beside canaries."""

import io
import os
import shutil
import stat
import zipfile
from collections import Counter
from pathlib import Path

from socal_core.errors import DataError
from socal_core.fetch.unpack import has_frames, unpack
from tests.dataset.fuzz_watch import Watch, snapshot
from tests.dataset.fuzzing import Payloads
from tests.dataset.fuzzing_media import binary_payloads

FRAME = "JPEGImages/S102T1_frame_00000078.jpeg"
_NAMES = (
    "../evil.jpeg", "../../evil.jpeg", "a/../../evil.jpeg", "/tmp/evil.jpeg", "/evil.jpeg", "//evil.jpeg",
    "C:evil.jpeg",
    "C:\\evil.jpeg", "..\\evil.jpeg", "a\\..\\..\\evil.jpeg", "./evil.jpeg", "a//evil.jpeg", "a/./evil.jpeg", "..", ".",
    "evil.jpeg\n", "e\x00vil.jpeg", "\x1b[2Jevil.jpeg", "a" * 300 + ".jpeg", "/".join("ab" * 600) + ".jpeg",
    "~/evil.jpeg",
    "…/évil.jpeg", "\u202egpej.live", "CON.jpeg", ".evil.jpeg", "canary.csv", "../canary.csv", "../archives/x.csv",
    "evil.jpeg/",
)  # fmt: skip


def archive_payloads() -> Payloads:
    """Mutated zips: damaged bytes, names that lead out, links, bombs, names twice."""
    seed = _zip([(FRAME, bytes(range(256)) * 8), ("socal.csv", b"S102T1_frame_00000078.jpeg,1,2,3,4,muscle\n")])
    made = binary_payloads(seed, "zip", 120)
    made += [(f"name {name[:30]!r}", _zip([(FRAME, b"x"), (name, b"evil")])) for name in _NAMES]
    for kind in (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK):
        link = zipfile.ZipInfo("link.jpeg")
        link.external_attr = (kind | 0o777) << 16
        made.append((f"kind {kind:o}", _zip([(FRAME, b"x"), (link, b"../canary.csv")])))
    made += [
        ("bomb", _zip([(FRAME, bytes(120_000_000))])),
        ("bomb in parts", _zip([(f"{number}.jpeg", bytes(30_000_000)) for number in range(4)])),
        ("names twice", seed.replace(b"socal.csv", b"soca1.csv", 1)),
        ("names once more", _zip([("a.jpeg", b"a"), ("A.jpeg", b"b"), ("a.jpeg/b.jpeg", b"c")])),
        ("nothing", _zip([])),
        ("no frames", _zip([("run.sh", b"rm")])),
    ]
    return made


def sweep_archives(place: Path, watch: Watch, tried: Counter[str], failures: list[str]) -> None:
    """Unpack each into a new folder: a DataError and nothing written, or only files inside the folder."""
    place.mkdir()
    os.chdir(place)  # deleting a folder tree opens names that are relative to an open folder
    archive, out = place / "frames.zip", place / "out"
    for what, data in archive_payloads():
        tried["zip"] += 1
        archive.write_bytes(data)
        before, done = snapshot(place), False
        with watch.looking(place):
            try:
                unpack(archive, out)
                done = has_frames(archive) or True
            except DataError as error:
                if len(str(error)) >= 400 or str(place) in str(error) or not str(error).isprintable():
                    failures.append(f"zip: {what}: message {error}")
            except BaseException as error:  # noqa: BLE001, whatever it is, it is what is looked for
                failures.append(f"zip: {what}: {type(error).__name__}: {error}")
        failures += [f"zip: {what}: {deed}" for deed in watch.misdeeds if "outside" in deed or "a canary" in deed]
        if done:
            shutil.rmtree(out)
        left = set(snapshot(place)) ^ set(before)
        if left:
            failures.append(f"zip: {what}: something was left or is gone: {sorted(left)}")


def _zip(entries: list[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in entries:
            archive.writestr(entry, data)
    return out.getvalue()
