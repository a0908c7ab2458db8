"""Small sound data folders, one a format, and the mutated files that take the place of theirs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from socal_core.annotations import coco, cvat_video, voc, yolo
from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from tests.dataset import fuzzing, fuzzing_media
from tests.dataset.fuzzing import Payloads
from tests.factories import write_csv, write_dataset


@dataclass
class Scene:
    """A data folder whose files are replaced."""

    root: Path
    key: str
    """Of the box format, "" where boxes are not what is read."""
    slots: dict[str, list[str]]
    """The files that are replaced, relative, by the name of their reader."""
    payloads: dict[str, Payloads]
    """What they are replaced with, by the name of their reader."""
    sound: dict[str, bytes] = field(default_factory=dict)
    """The content of all slots when nothing is wrong."""
    decodes: bool = False
    """Whether frames are to be decoded too."""

    def __post_init__(self) -> None:
        self.sound = {slot: (self.root / slot).read_bytes() for slots in self.slots.values() for slot in slots}


def _base(root: Path, trials: int = 4, frames: int = 3) -> Path:
    """A sound folder whose outcomes say no frame size, so that frames are opened."""
    write_dataset(root, surgeons=trials // 2, frames=frames, size=(40, 30))
    path = root / layout.OUTCOMES_FILE
    cells = [line.split(",")[:9] for line in path.read_text().splitlines()]
    write_csv(path, cells[1:], tuple(cells[0]))
    return root


def tables(root: Path) -> Scene:
    """All CSV files of the layout, the boxes in three shapes."""
    _base(root)
    plain = (root / layout.BOXES_FILE).read_bytes()
    rows = [line.split(",") for line in plain.decode().splitlines()]
    header = ",".join(layout.BOX_COLUMNS)
    tracked = "".join(f"{','.join(row)},{number}\n" for number, row in enumerate(rows, start=1))
    write_csv(root / layout.TRACKS_FILE, [[*row, "7"] for row in rows], layout.TRACK_COLUMNS)
    (root / "images.csv").write_text("not a file of the layout\n")
    seeds = [plain, f"{header}\n{plain.decode()}".encode(), f"{header},tracking_id\n{tracked}".encode()]
    seeds[0] += b"S100T1_frame_00000099.jpeg,,,,,\n"
    boxes = _text(seeds[0], "csv", 8)
    for number, seed in enumerate(seeds[1:]):
        boxes += [*fuzzing.truncated(seed), *_text(seed, f"csv {number}", 10)[-10:]]
    names = {
        "track ids": layout.TRACKS_FILE,
        "mapping": layout.MAPPING_FILE,
        "outcomes": layout.OUTCOMES_FILE,
        "demographics": layout.DEMOGRAPHICS_FILE,
    }
    payloads = {reader: _text((root / name).read_bytes(), reader, 44) for reader, name in names.items()}
    slots = {reader: [name] for reader, name in names.items()}
    return Scene(root, "csv", {"csv": [layout.BOXES_FILE], **slots}, {"csv": boxes, **payloads})


def yolo_labels(root: Path) -> Scene:
    """Label files and, in turn, classes.txt and data.yaml."""
    _formatted(root, yolo.write, 4, 2)
    labels = sorted(path.relative_to(root).as_posix() for path in (root / "labels").glob("*.txt"))
    label = b"0 0.25 0.4 0.25 0.5 1\n1 0.5 0.5 0.2 0.2 2\n12 0.1 0.1 0.1 0.1 3\n"
    names = (root / "classes.txt").read_bytes()
    classes, table = root / "classes.txt", root / "data.yaml"
    listed = "".join(f"  {number}: {name}\n" for number, name in enumerate(names.decode().split()))
    table.write_text(f"path: ../canary\ntrain: images/train\nnc: 8\nnames:\n{listed}")
    made = fuzzing.yaml_payloads(table.read_bytes(), "yaml", 26)
    classes.unlink()  # it would be read first; of its kind are MOT's labels.txt
    slots = {"yolo": labels[:-1], "data.yaml": ["data.yaml"]}
    payloads = {"yolo": fuzzing.text_payloads(label * 3, "yolo", 440, " \n"), "data.yaml": made}
    return Scene(root, "yolo", slots, payloads)


def voc_files(root: Path) -> Scene:
    """One XML file a frame."""
    _formatted(root, voc.write, 8, 3)
    files = sorted(path.relative_to(root).as_posix() for path in (root / "Annotations").iterdir())
    seed = (root / files[0]).read_bytes()
    return Scene(root, "voc", {"voc": files[:-1]}, {"voc": fuzzing.xml_payloads(seed, "voc", 180)})


def cvat_images(root: Path) -> Scene:
    """CVAT's XML for images, several files; one stays sound."""
    _base(root)
    (root / layout.BOXES_FILE).unlink()
    names = sorted(path.name for path in (root / layout.IMAGES_DIR).iterdir())[:4]
    box = '    <box label="suction" occluded="0" xtl="2.5" ytl="5" xbr="12" ybr="20" z_order="0">\n'
    box += '      <attribute name="track_id">4</attribute>\n    </box>\n    <polygon label="x" points="1,2;3,4"/>\n'
    opened = (f'  <image id="{n}" name="{name}" width="40" height="30">\n' for n, name in enumerate(names))
    meta = "<meta><task><id>1</id><size>4</size><mode>annotation</mode></task></meta>"
    head = f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n{meta}\n'
    seed = head + "".join(f"{image}{box}  </image>\n" for image in opened) + "</annotations>\n"
    return _several(root, "cvat-images", seed, [f"annotations/{n} {{x}}.xml" for n in range(16)], "annotations.xml")


def cvat_tracks(root: Path) -> Scene:
    """CVAT's XML for video, several files a trial; one stays sound."""
    _formatted(root, cvat_video.write, 4, 3)
    written = next(path for path in root.rglob("*.xml"))
    seed = written.read_text()
    for path in root.rglob("*.xml"):
        path.unlink()
    names = [f"annotations/S{100 + n // 2 % 2}T{n % 2 + 1} {n} {{x}}.xml" for n in range(16)]
    scene = _several(root, "cvat-video", seed, names, "annotations/S100T1.xml")
    lies = {"size": "1000000000", "stop_frame": "999999999", "start_frame": "-5"}
    for field_name, value in lies.items():
        text = seed.replace(f"<{field_name}>", f"<{field_name}>{value}</{field_name}><{field_name}>", 1)
        scene.payloads["cvat-video"].append((f"{field_name} lies", text.encode()))
    for frame in ("999999999", "1e18", "-1", "0.5", "9" * 400):
        text = seed.replace('frame="2"', f'frame="{frame}"')
        scene.payloads["cvat-video"].append((f"track to frame {frame[:20]}", text.encode()))
    return scene


def coco_files(root: Path) -> Scene:
    """COCO JSON, several files; one stays sound."""
    _formatted(root, coco.write, 4, 3)
    path = root / "annotations" / "instances.json"
    names = [f"annotations/instances_{n}{{x}}.json" for n in range(12)]
    return _several(root, "coco", path.read_text(), names, "annotations/instances.json")


def mot_files(root: Path) -> Scene:
    """MOT's gt.txt and labels.txt for each trial, below a seqinfo.ini that lies."""
    _base(root, trials=8)
    (root / layout.BOXES_FILE).unlink()
    rows = "".join(f"{frame},{track},2.5,5,10,15,1,{track},1.0\n" for frame in (1, 2, 3) for track in (1, 2))
    trials = [f"S{surgeon}T{number}" for surgeon in range(100, 104) for number in (1, 2)]
    for trial in trials:
        (root / trial / "gt").mkdir(parents=True)
        (root / trial / "seqinfo.ini").write_text("[Sequence]\nseqLength=1000000000\nimWidth=-1\nimDir=../..\n")
        (root / trial / "gt" / "gt.txt").write_text(rows)
        (root / trial / "gt" / "labels.txt").write_text("suction\ngrasper\n")
    slots = {
        "mot": [f"{trial}/gt/gt.txt" for trial in trials],
        "labels.txt": [f"{trial}/gt/labels.txt" for trial in trials],
    }
    names = "".join(f"{label}\n" for label in layout.LABELS).encode()
    payloads = {"mot": _text(rows.encode(), "mot", 60), "labels.txt": _text(names, "labels", 44)}
    return Scene(root, "mot", slots, payloads)


def images(root: Path) -> Scene:
    """One frame a trial, each opened for its size."""
    _base(root, trials=12, frames=1)
    for name in (layout.BOXES_FILE, layout.MAPPING_FILE):
        (root / name).unlink()
    files = sorted(path.relative_to(root).as_posix() for path in (root / layout.IMAGES_DIR).iterdir())
    return Scene(
        root, "", {"images": files[:-1]}, {"images": fuzzing_media.image_payloads("images", 180)}, decodes=True
    )


def videos(root: Path) -> Scene:
    """Trials as mp4, avi and mkv."""
    root.mkdir()
    codecs = {"mp4": "mp4v", "avi": "MJPG", "mkv": "mp4v"}
    slots: dict[str, list[str]] = {}
    payloads: dict[str, Payloads] = {}
    for place, (suffix, codec) in enumerate(codecs.items()):
        files = [f"S{surgeon}T{place + 1}.{suffix}" for surgeon in range(100, 104)]
        _write_video(root / files[0], codec)
        seed = (root / files[0]).read_bytes()
        for file in files[1:]:
            (root / file).write_bytes(seed)
        slots[suffix], payloads[suffix] = files, fuzzing_media.binary_payloads(seed, suffix, 36)
        head = seed[:12]
        for text in ("#EXTM3U\nfile:../canary.csv\n", "ffconcat version 1.0\nfile ../canary.csv\n", "<MPD/>"):
            payloads[suffix] += [("play list", text.encode()), ("play list in disguise", head + text.encode())]
    _write_video(root / "S105T1.avi", "MJPG")
    return Scene(root, "", slots, payloads, decodes=True)


SCENES: dict[str, Callable[[Path], Scene]] = {
    "tables": tables,
    "yolo": yolo_labels,
    "voc": voc_files,
    "cvat images": cvat_images,
    "cvat video": cvat_tracks,
    "coco": coco_files,
    "mot": mot_files,
    "images": images,
    "videos": videos,
}


def _text(seed: bytes, name: str, random_ones: int) -> Payloads:
    return fuzzing.text_payloads(seed, name, random_ones, ",\n")


def _formatted(root: Path, write: Callable[..., None] | None, trials: int, frames: int) -> None:
    """A sound folder with its boxes in another format."""
    _base(root, trials, frames)
    dataset = open_dataset(root)
    assert write is not None
    write(dataset, root)
    (root / layout.BOXES_FILE).unlink()


def _several(root: Path, key: str, seed: str, names: list[str], sound: str) -> Scene:
    for name in (*names, sound):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(seed)
    make = fuzzing.json_payloads if key == "coco" else fuzzing.xml_payloads
    return Scene(root, key, {key: names}, {key: make(seed.encode(), key, 180)})


def _write_video(path: Path, codec: str) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 2.0, (32, 24))
    for grey in range(6):
        writer.write(np.full((24, 32, 3), 40 * grey, np.uint8))
    writer.release()
