"""The command line about data: demo, inspect, formats, split, leaks, download."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from socal_core.annotations.alignment import write_answer
from socal_core.dataset.opening import open_dataset
from socal_core.evaluation import frame_text
from socal_core.runs.folder import RunFolder
from tests.test_cli import SETTINGS, run_cli


def test_inspect_gives_the_numbers_as_json(capsys: pytest.CaptureFixture[str], shared_data_folder: Path) -> None:
    code, out, _ = run_cli(capsys, "inspect", shared_data_folder, "--json")
    summary = json.loads(out)
    assert code == 0
    assert (summary["trials"], summary["usable_trials"], summary["frames"]) == (20, 20, 240)
    assert summary["labels"] == {"suction": 240, "grasper": 120}
    assert summary["boxes"] == 360
    assert summary["frames_without_boxes"] == 0
    assert set(summary["outcomes"]) == {"rows", "success", "failure", "unknown"}
    assert summary["problems"] == []
    assert summary["length_auroc"] == 0.5, "all trials are equally long"
    assert summary["coaching"]["surgeons"] == 10


def test_inspect_reports_length_and_coaching(capsys: pytest.CaptureFixture[str], shared_data_folder: Path) -> None:
    code, out, _ = run_cli(capsys, "inspect", shared_data_folder)
    assert code == 0
    assert "AUROC of the number of frames alone: 0.50 (0.5 is chance, 1 is perfect)\n" in out
    success = json.loads(run_cli(capsys, "inspect", shared_data_folder, "--json")[1])["coaching"]["success"]
    assert (
        f"Success in trials 1 and 2 of 10 surgeons: {success['both']} in both, {success['improved']} only after" in out
    )
    assert "Time to haemostasis of 10 surgeons: median " in out


@pytest.mark.slow
def test_the_same_footage_is_listed(capsys: pytest.CaptureFixture[str], data_folder: Path) -> None:
    images = data_folder / "JPEGImages"
    for number in range(1, 13):
        source = images / f"S101T1_frame_{number:08d}.jpeg"
        (images / f"S107T2_frame_{number:08d}.jpeg").write_bytes(source.read_bytes())
    code, out, _ = run_cli(capsys, "footage", data_folder)
    assert code == 0
    assert re.match(r"S101T1 at (\d+) s and S107T2 at \1 s: 12 frames, distance 0\.0000\n", out)
    assert out.endswith("240 frames compared, 0 unreadable; pairs of trials: 1\n")
    (pair,) = json.loads(run_cli(capsys, "footage", data_folder, "--json")[1])["pairs"]
    assert (pair["trial_id"], pair["other"], pair["frames"]) == ("S101T1", "S107T2", 12)


def test_text_in_frames_is_listed(
    capsys: pytest.CaptureFixture[str], shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine itself is tested in tests/evaluation/test_frame_text.py."""
    monkeypatch.setattr(frame_text, "text_reader", lambda: lambda frame: [("REC", (1, 2, 30, 9), 0.9)])
    code, out, _ = run_cli(capsys, "text", shared_data_folder)
    assert code == 0
    assert out.startswith("S100T1 at 0 s: REC (confidence 0.90, box (1, 2, 30, 9), trial: fixed)\n")
    assert out.endswith("60 frames of 20 trials read, 0 unreadable: text in 20 trials\n")
    texts = json.loads(run_cli(capsys, "text", shared_data_folder, "--json")[1])["texts"]
    assert len(texts) == 60
    monkeypatch.undo()
    monkeypatch.setattr(frame_text, "find_spec", lambda name: None)
    code, _, errors = run_cli(capsys, "text", shared_data_folder)
    assert code == 2
    assert 'pip install "socal-core[ocr]"' in errors


@pytest.mark.slow
def test_inspect_lists_the_frames(capsys: pytest.CaptureFixture[str], data_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "frames.csv"
    assert run_cli(capsys, "inspect", data_folder, "--frames", out)[0] == 0
    table = pd.read_csv(out)
    dataset = open_dataset(data_folder)
    assert table["frame"].tolist() == dataset.frames["frame"].tolist()
    assert table["trial_id"].tolist() == dataset.frames["trial_id"].tolist()
    assert table["second"].tolist() == dataset.frames["second"].tolist()
    assert [(data_folder / file).is_file() for file in table["file"]] == [True] * len(table)
    with Image.open(data_folder / table["file"][0]) as picture:
        assert (table["width"][0], table["height"][0]) == picture.size
    counts = dataset.boxes.groupby("frame").size()
    assert dict(zip(table["frame"], table["boxes"], strict=True)) == {
        frame: counts.get(frame, 0) for frame in table["frame"]
    }
    written = out.read_bytes()
    code, _, errors = run_cli(capsys, "inspect", data_folder, "--frames", out)
    assert (code, errors) == (2, f"error: {out} already exists. Choose another name.\n")
    assert out.read_bytes() == written


@pytest.mark.slow
def test_inspect_deep_names_the_broken_frame(capsys: pytest.CaptureFixture[str], data_folder: Path) -> None:
    frame = data_folder / "JPEGImages" / "S100T1_frame_00000003.jpeg"
    frame.write_bytes(frame.read_bytes()[:300])
    assert json.loads(run_cli(capsys, "inspect", data_folder, "--json")[1])["problems"] == []
    problems = json.loads(run_cli(capsys, "inspect", data_folder, "--deep", "--json")[1])["problems"]
    assert [set(problem) for problem in problems] == [
        {"code", "severity", "path", "row", "message", "count", "parameters"}
    ]
    assert problems[0]["path"].endswith(frame.name)
    code, out, _ = run_cli(capsys, "inspect", data_folder, "--deep")
    assert code == 0
    assert frame.name in out


@pytest.mark.slow
def test_demo_writes_a_data_set_that_opens(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run_cli(capsys, "demo", tmp_path / "demo", "--surgeons", 4)[0] == 0
    summary = json.loads(run_cli(capsys, "inspect", tmp_path / "demo", "--json")[1])
    assert summary["trials"] >= 7
    code, out, err = run_cli(capsys, "demo", tmp_path / "demo", "--surgeons", 4)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")


def test_boxes_are_read_from_the_chosen_format(capsys: pytest.CaptureFixture[str], data_folder: Path) -> None:
    (data_folder / "labels").mkdir()
    (data_folder / "labels" / "S100T1_frame_00000001.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    (data_folder / "classes.txt").write_text("muscle\n")
    by_looking = json.loads(run_cli(capsys, "inspect", data_folder, "--json")[1])
    assert (by_looking["box_format"], by_looking["box_formats"], by_looking["boxes"]) == ("csv", ["csv", "yolo"], 360)
    chosen = json.loads(run_cli(capsys, "inspect", data_folder, "--boxes", "yolo", "--json")[1])
    assert (chosen["box_format"], chosen["labels"]) == ("yolo", {"muscle": 1})
    code, out, err = run_cli(capsys, "inspect", data_folder, "--boxes", "coco")
    assert (code, out) == (2, "")
    assert "no boxes in the format coco; it has: csv, yolo" in err


@pytest.mark.slow
def test_a_column_under_another_title(capsys: pytest.CaptureFixture[str], data_folder: Path, tmp_path: Path) -> None:
    outcomes = data_folder / "socal_trial_outcomes.csv"
    outcomes.write_text(outcomes.read_text().replace(",success,", ",Haemostasis reached,"))
    assert json.loads(run_cli(capsys, "inspect", data_folder, "--json")[1])["usable_trials"] == 0
    column = ("--column", "success=haemostasis reached")
    assert json.loads(run_cli(capsys, "inspect", data_folder, *column, "--json")[1])["usable_trials"] == 20
    run = tmp_path / "run-column"
    code, _, err = run_cli(capsys, "train", data_folder, *column, "--run", run, *SETTINGS)
    assert code == 0, err
    assert RunFolder.open(run).open_dataset().usable_trials.shape[0] == 20


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("success", "must be NAME=TITLE"),
        ("success=", "must be NAME=TITLE"),
        ("outcome=x", "must map one of trial_id"),
    ],
)
def test_a_column_that_cannot_be_mapped(
    capsys: pytest.CaptureFixture[str], data_folder: Path, column: str, said: str
) -> None:
    code, _, err = run_cli(capsys, "inspect", data_folder, "--column", column)
    assert code == 2
    assert said in err


@pytest.mark.slow
def test_a_conversion_opens_with_the_same_boxes(
    capsys: pytest.CaptureFixture[str], shared_data_folder: Path, tmp_path: Path
) -> None:
    code, out, _ = run_cli(capsys, "convert", shared_data_folder, tmp_path / "out", "--to", "coco")
    assert code == 0
    assert out.startswith("360 boxes of 240 frames")
    converted = json.loads(run_cli(capsys, "inspect", tmp_path / "out", "--json")[1])
    original = json.loads(run_cli(capsys, "inspect", shared_data_folder, "--json")[1])
    assert converted["box_format"] == "coco"
    paths = [evidence["path"] for evidence in converted["evidence"]]
    assert paths == ["socal_trial_outcomes.csv", "JPEGImages", "annotations/instances.json"]
    of_files = {"box_format": "csv", "box_formats": ["csv"], "fingerprint": "", "evidence": []}
    assert {**converted, **of_files} == {**original, **of_files}
    assert run_cli(capsys, "convert", shared_data_folder, tmp_path / "out", "--to", "voc")[0] == 2


@pytest.mark.slow
def test_agreement_reports_what_differs(capsys: pytest.CaptureFixture[str], data_folder: Path, tmp_path: Path) -> None:
    run_cli(capsys, "convert", data_folder, tmp_path / "voc", "--to", "voc", "--annotations-only")
    (tmp_path / "voc" / "Annotations").rename(data_folder / "Annotations")
    code, out, _ = run_cli(capsys, "agreement", data_folder)
    assert code == 0
    assert "The 2 formats agree" in out
    next((data_folder / "Annotations").iterdir()).unlink()
    result = json.loads(run_cli(capsys, "agreement", data_folder, "--json")[1])
    assert result["agrees"] is False
    assert {row["kind"] for row in result["details"]} == {"missing"}


@pytest.mark.slow
def test_agreement_prints_the_names_of_classes(
    capsys: pytest.CaptureFixture[str], data_folder: Path, tmp_path: Path
) -> None:
    run_cli(capsys, "convert", data_folder, tmp_path / "yolo", "--to", "yolo", "--annotations-only")
    (tmp_path / "yolo" / "labels").rename(data_folder / "labels")
    code, out, _ = run_cli(capsys, "agreement", data_folder)
    assert code == 0
    assert "class 1 is grasper in 120 of 120 boxes" in out
    assert out.endswith("To apply them, save these lines as classes.txt:\nsuction\ngrasper\n")


def test_train_warns_of_boxes_that_were_marked_as_shifted(
    capsys: pytest.CaptureFixture[str], data_folder: Path, tmp_path: Path
) -> None:
    write_answer(open_dataset(data_folder), "socal.csv", fits=False)
    (tmp_path / "run").write_text("no folder")
    code, _, errors = run_cli(capsys, "train", data_folder, "--run", tmp_path / "run")
    assert code == 2
    assert errors.startswith(
        "warning: In the check by eye, boxes were marked as shifted against their frames: socal.csv."
    )


def test_split_prints_the_proof(capsys: pytest.CaptureFixture[str], shared_data_folder: Path) -> None:
    code, out, _ = run_cli(capsys, "split", shared_data_folder, *SETTINGS)
    assert code == 0
    assert "surgeons in common: 0" in out
    assert "warning" not in out
    random = ("--set", "split_method=random")
    assert "warning: The score is too good" in run_cli(capsys, "leaks", shared_data_folder, *random)[1]
    code, out, _ = run_cli(capsys, "split", shared_data_folder, "--set", "split_method=random", "--json")
    result = json.loads(out)
    assert result["surgeons_in_common"] > 0
    assert "The score is too good" in result["warning"]
    assert sum(side["trials"] for side in result["sides"].values()) == 20


def test_leaks_name_what_is_never_an_input(capsys: pytest.CaptureFixture[str], shared_data_folder: Path) -> None:
    code, out, _ = run_cli(capsys, "leaks", shared_data_folder, "--json", *SETTINGS)
    assert code == 0
    result = json.loads(out)
    assert {"tth", "muscle_success", "cottonoid_success", "blood_loss"} <= set(result["refused"])
    scores = [probe["auroc"] for probe in result["probes"] if probe["auroc"] is not None]
    assert scores == sorted(scores, reverse=True)
    # The factory paints successes green and failures red.
    assert result["probes"][0]["auroc"] == 1
    assert "colour" in result["probes"][0]["name"].lower()


@pytest.mark.parametrize("address", ["", "http://example.org/x", "https://drive.google.com.evil.org/drive/folders/x"])
def test_a_download_from_elsewhere_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, address: str) -> None:
    code, _, err = run_cli(capsys, "download", address, tmp_path / "out")
    assert code == 2
    assert err.startswith("error: ")
    assert not (tmp_path / "out").exists()
