"""socal_core.evaluation.frame_text, with the real engine where it is installed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from socal_core.dataset import layout
from socal_core.dataset.frame_reports import TEXT, read_report
from socal_core.dataset.opening import open_dataset
from socal_core.errors import SocalError
from socal_core.evaluation import frame_text
from socal_core.evaluation.frame_text import (
    Box,
    FrameText,
    ReadText,
    TextKind,
    kinds_of_text,
    look_for_text,
    missing_packages,
    sampled_frames,
    text_reader,
    texts_of,
)
from tests.factories import write_dataset

BOX = (10, 10, 60, 20)


def ignore(done: int, total: int) -> None:
    pass


def found(*texts: tuple[str, Box], trial: str = "S1T1") -> TextKind:
    """The kind of a trial with a text in each of consecutive frames."""
    rows = [FrameText(trial, float(number), text, box, 0.9) for number, (text, box) in enumerate(texts)]
    return kinds_of_text(rows)[trial][0]


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        ([("00:00:01", BOX), ("00:01:40", BOX)], TextKind.CLOCK),
        ([("00:00:01", BOX), ("00:01:40", (12, 11, 61, 21))], TextKind.CLOCK),
        ([("9:59", (10, 10, 55, 20)), ("10:01", BOX)], TextKind.CLOCK),
        ([("CLINIC A", BOX), ("clinic A", BOX)], TextKind.FIXED),
        ([("2019", BOX), ("2019", BOX)], TextKind.FIXED),
        ([("KARL STORZ", BOX), ("KARL STORZ", (80, 90, 130, 100))], TextKind.SEEN),
        ([("LIVE", BOX), ("REC", BOX)], TextKind.SEEN),
        ([("12", BOX), ("17", (80, 90, 130, 100))], TextKind.SEEN),
        ([("00:00:01", BOX)], TextKind.SEEN),
    ],
)
def test_what_texts_are(texts: list[tuple[str, Box]], kind: TextKind) -> None:
    assert found(*texts) is kind


def test_trials_are_judged_by_themselves() -> None:
    rows = [FrameText(f"S{number}T1", 0, f"0:0{number}", BOX, 0.9) for number in range(3)]
    assert {kind for kind, _ in kinds_of_text(rows).values()} == {TextKind.SEEN}


def test_first_middle_and_last_frame_are_read(data_folder: Path) -> None:
    sample = sampled_frames(open_dataset(data_folder).frames)
    assert list(sample[sample["trial_id"] == "S103T2"]["second"]) == [0, 5, 11]
    assert len(sample) == 60
    one = open_dataset(write_dataset(data_folder.parent / "short", frames=1)).frames
    assert len(sampled_frames(one)) == 20


def test_only_certain_texts_are_reported(data_folder: Path) -> None:
    (data_folder / layout.IMAGES_DIR / "S100T1_frame_00000012.jpeg").write_bytes(b"no image")

    def read(frame: object) -> list[tuple[str, Box, float]]:
        return [("00:01", BOX, 0.99), ("A", BOX, 0.99), ("AROT", BOX, 0.6)]

    report = look_for_text(open_dataset(data_folder), read, ignore)
    assert (report["trials"], report["frames"], report["unreadable"]) == (20, 60, 1)
    texts = texts_of(report)
    assert len(texts) == 59
    assert texts[0] == FrameText("S100T1", 0, "00:01", BOX, 0.99)
    assert texts_of(read_report(open_dataset(data_folder).fingerprint, TEXT)) == texts


def test_without_the_engine_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_text, "find_spec", lambda name: None if name == "rapidocr" else name)
    assert missing_packages() == ["rapidocr"]
    with pytest.raises(SocalError, match=r"needs the missing rapidocr\. Run `pip install \"socal-core\[ocr\]\"`"):
        text_reader()


@pytest.fixture(scope="module")
def engine() -> ReadText:
    if missing := missing_packages():
        pytest.skip(f"{' and '.join(missing)} not installed: pip install -r requirements-dev.txt")
    return text_reader()


@pytest.mark.slow
def test_the_engine_reads_a_clock_and_a_name(engine: ReadText, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "data", surgeons=2, frames=3, size=(320, 180))
    font = ImageFont.load_default(14)
    for trial, texts in {
        "S100T1": ["00:00:01", "00:01:27", "00:03:58"],
        "S101T2": ["CLINIC A"] * 3,
    }.items():
        for path, text in zip(sorted((folder / layout.IMAGES_DIR).glob(f"{trial}_*")), texts, strict=True):
            image = Image.new("RGB", (320, 180), (120, 60, 60))
            ImageDraw.Draw(image).text((12, 8), text, (255, 255, 255), font)
            image.save(path, quality=85)
    dataset = open_dataset(folder)
    texts = texts_of(look_for_text(dataset, engine, ignore))
    assert {text.trial_id for text in texts} == {"S100T1", "S101T2"}, "none in noise"
    assert [text.text for text in texts if text.trial_id == "S100T1"] == ["00:00:01", "00:01:27", "00:03:58"]
    left, top, right, bottom = texts[0].box
    assert 5 <= left <= 14 and 4 <= top <= 14 and 60 <= right <= 90 and 16 <= bottom <= 30
    kinds = {trial: kind for trial, (kind, _) in kinds_of_text(texts).items()}
    assert kinds == {"S100T1": TextKind.CLOCK, "S101T2": TextKind.FIXED}
    assert engine(np.zeros((48, 64, 3), np.uint8)) == []
