"""Data folders with links that lead out of them, and with other things in the place of files."""

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from socal_core.dataset import layout
from tests.dataset.fuzz_scenes import Scene
from tests.factories import write_dataset

_FRAME = "S100T1_frame_00000001"
_FILES = {
    "labels/{}.txt": "0 0.5 0.5 0.2 0.2\n",
    "JPEGImages/{}.txt": "0 0.5 0.5 0.2 0.2\n",
    "Annotations/{}.xml": "<annotation><object><name>muscle</name></object></annotation>",
    "annotations.xml": "<annotations><image name='{}.jpeg'/></annotations>",
    "annotations/instances.json": '{{"images": [], "annotations": []}}',
    "S100T1/gt/gt.txt": "1,1,1,1,1,1\n",
    "S100T1/gt/labels.txt": "muscle\n",
    "classes.txt": "muscle\n",
    "data.yaml": "names: [muscle]\n",
}
_LINKED = {
    "csv": (layout.BOXES_FILE, layout.TRACKS_FILE, layout.MAPPING_FILE, layout.OUTCOMES_FILE, layout.DEMOGRAPHICS_FILE),
    "yolo": ("labels", "labels/{}.txt", "JPEGImages/{}.txt", "classes.txt", "data.yaml"),
    "voc": ("Annotations", "Annotations/{}.xml"),
    "cvat-images": ("annotations", "annotations.xml"),
    "coco": ("annotations/instances.json",),
    "mot": ("S100T1", "S100T1/gt", "S100T1/gt/gt.txt", "S100T1/gt/labels.txt"),
    "": ("JPEGImages", "JPEGImages/{}.jpeg", "S100T9.mp4", "videos"),
}
"""What is replaced by a link to the same thing outside, by the format that would read it."""


def link_scenes(place: Path) -> dict[str, Callable[[], Scene]]:
    """A data folder of each kind, by what was done to it; made below `place`, one at a time in the same spot."""
    outside, root = place / "outside", place / "linked"
    _fill(outside)
    (outside / "S100T9.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    (outside / "videos").mkdir()
    (outside / "videos" / "S100T8.mp4").write_bytes(b"\0\0\0\x18ftypmp42")

    def linked(key: str, name: str, relative: bool) -> Scene:
        own = name.format(_FRAME)
        scene = _sound(root, key)
        _drop(root / own)
        target = outside / own
        (root / own).symlink_to(os.path.relpath(target, (root / own).parent) if relative else target)
        return scene

    def odd(key: str, change: Callable[[Path], object]) -> Scene:
        scene = _sound(root, key)
        change(root)
        return scene

    scenes: dict[str, Callable[[], Scene]] = {}
    for key, names in _LINKED.items():
        for name in names:
            scenes[f"{name} is a link out"] = partial(linked, key, name, relative=True)
            scenes[f"{name} is an absolute link out"] = partial(linked, key, name, relative=False)
    for key, changes in _ODD.items():
        scenes.update({what: partial(odd, key, change) for what, change in changes.items()})
    return scenes


def _fill(root: Path) -> None:
    write_dataset(root, surgeons=1, frames=1)
    for name, text in _FILES.items():
        path = root / name.format(_FRAME)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(_FRAME))
    shutil.copy(root / layout.BOXES_FILE, root / layout.TRACKS_FILE)


def _sound(root: Path, key: str) -> Scene:
    _drop(root)
    _fill(root)
    return Scene(root, key, {}, {})


def _drop(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _instead(name: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    def change(root: Path) -> None:
        _drop(root / name)
        make(root / name)

    return change


def _hop(root: Path) -> None:
    """A link to a link that leads out."""
    (root / "inner").symlink_to("../outside")
    _drop(root / "labels")
    (root / "labels").symlink_to("inner/labels")


def _bytes_name(root: Path) -> None:
    for name in (b"S100T1_frame_\xff.jpeg", b"\xff.xml", b"\xff.json"):
        for parent in (root, root / layout.IMAGES_DIR):
            Path(os.fsdecode(os.fsencode(parent) + b"/" + name)).write_bytes(b"x")


def _hostile_names(root: Path) -> None:
    names = ("{x1}", "%s", "a\nb", "\x1b[2J", "\u202e", "..;x", "~", "C:\\x", "..\\x", "x" * 120, "$(touch x)", "-rf")
    for name in names:
        for suffix in (".jpeg", ".txt", ".xml", ".json", ".yaml", ".mp4", ".csv"):
            for parent in (root, root / layout.IMAGES_DIR, root / "labels", root / "annotations"):
                (parent / f"{name}{suffix}").write_text("<annotations><track id='x'/><image name='x'/>")
        (root / name).mkdir()
        (root / layout.IMAGES_DIR / name).mkdir()


_ODD: dict[str, dict[str, Callable[[Path], object]]] = {
    "csv": {
        "a link to itself": _instead("socal.csv", lambda path: path.symlink_to("socal.csv")),
        "a link to nowhere": _instead("socal.csv", lambda path: path.symlink_to("../none")),
        "a link to /etc/passwd": _instead("socal.csv", lambda path: path.symlink_to("/etc/passwd")),
        "a link to a device": _instead("socal.csv", lambda path: path.symlink_to("/dev/zero")),
        "a pipe": _instead("socal.csv", lambda path: os.mkfifo(path)),
        "a folder as file": _instead("socal.csv", Path.mkdir),
    },
    "yolo": {
        "links in a circle": lambda root: (root / "labels" / "again").symlink_to(".."),
        "a link through a link": _hop,
        "a pipe among labels": lambda root: os.mkfifo(root / "labels" / "S100T2_frame_00000001.txt"),
        "a file as folder": _instead("labels", Path.touch),
        "hostile names of labels": _hostile_names,
        "deep folders": lambda root: (root / "labels" / "/".join("abcdefghij" * 9)).mkdir(parents=True),
    },
    "voc": {"a file as annotations": _instead("Annotations", Path.touch)},
    "cvat-images": {"hostile names of annotations": _hostile_names},
    "cvat-video": {"hostile names of tracks": _hostile_names},
    "mot": {"a file as gt": _instead("S100T1", Path.touch)},
    "": {
        "a link to the root": lambda root: (root / "JPEGImages" / "S100T1").symlink_to("/"),
        "a pipe as frame": _instead(f"JPEGImages/{_FRAME}.jpeg", lambda path: os.mkfifo(path)),
        "a folder as frame": _instead(f"JPEGImages/{_FRAME}.jpeg", Path.mkdir),
        "a folder as outcomes": _instead(layout.OUTCOMES_FILE, Path.mkdir),
        "a file as JPEGImages": _instead("JPEGImages", Path.touch),
        "names that are no text": _bytes_name,
        "hostile names": _hostile_names,
    },
}
