"""Files of CVAT for video for the tests of their reader, and the folder that they are put into."""

from pathlib import Path

import pytest

from socal_core.annotations import cvat_images
from socal_core.dataset import layout
from socal_core.dataset.dataset import Problem
from socal_core.dataset.opening import open_dataset
from tests.factories import write_dataset


@pytest.fixture
def two_trials(tmp_path: Path) -> Path:
    """Two trials, S100T1 and S100T2, of twelve frames without boxes."""
    root = write_dataset(tmp_path / "data", surgeons=1, frames=12)
    (root / layout.BOXES_FILE).unlink()
    return root


def box(frame: object, corners: str = "0,0,10,10", **more: object) -> str:
    edges = dict(zip(cvat_images.EDGES, corners.split(","), strict=True))
    values = {"frame": frame, "outside": 0, "occluded": 0, "keyframe": 1, **edges, **more}
    return "<box " + " ".join(f'{name}="{value}"' for name, value in values.items()) + "/>\n"


def track(boxes: str, own: object = 0, label: str = "suction") -> str:
    return f'<track id="{own}" label="{label}">\n{boxes}</track>\n'


def pixels(width: object, height: object) -> str:
    return f"<original_size><width>{width}</width><height>{height}</height></original_size>"


def annotate(folder: Path, tracks: str, meta: str = "", path: str = "annotations/S100T1.xml") -> None:
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text(f"<annotations><meta>{meta}</meta>\n{tracks}</annotations>\n")


def opened(folder: Path) -> tuple[list[str], list[Problem]]:
    """The boxes as `trial position x1,y1,x2,y2 label id`, and the problems but that frames have no row."""
    data = open_dataset(folder)
    texts = [
        f"{b.trial_id} {b.position} {b.x1},{b.y1},{b.x2},{b.y2} {b.label} {b.track_id}" for b in data.boxes.itertuples()
    ]
    return texts, [problem for problem in data.problems if problem.code != "frame-without-row"]
