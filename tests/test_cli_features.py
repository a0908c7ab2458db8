"""socal_core.cli.features: features of the frozen encoders on the command line, as a user types it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

from socal_core import __version__
from socal_core.clips.loader import open_clips
from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.models.encoders import build_encoder
from socal_core.settings import TINY, TrainConfig, config_from
from tests.models.checkpoints import write_pretrained
from tests.test_cli import run_cli

COLUMNS = ["trial_id", "participant_id", "clip", "step", "second"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "small"
    write_pretrained(folder)
    return folder


def embed(capsys: pytest.CaptureFixture[str], data: Path, out: Path, **settings: object) -> tuple[int, str, str]:
    given = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    return run_cli(capsys, "embed", data, *given, "--out", out)


def by_hand(data: Path, config: TrainConfig, encoder: str, trial: str) -> np.ndarray:
    """The features of a trial's clips, (clips, steps, dims), one clip at a time."""
    built = build_encoder(encoder, config)
    with open_clips(open_dataset(data), config, built.preprocessor, [trial], (), lambda *stage: None) as reader:
        pixels = next(reader.batches([reader.plan.evaluation_clips(trial)]))
        values = reader.preprocessor.model_input(pixels, torch.empty(pixels.shape))
    return np.concatenate([built.embed(clip[None]).numpy() for clip in values])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoder", "names"), [("video", ["video"]), ("image", ["image"]), ("both", ["image", "video"])]
)
@pytest.mark.sampled(1)
def test_each_step_of_each_clip_has_a_row(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    shared_data_folder: Path,
    model: Path,
    encoder: str,
    names: list[str],
) -> None:
    settings: dict[str, Any] = {"model": str(model), "encoder": encoder, "num_frames": 4, "test_clips": 2}
    code, text, _ = embed(capsys, shared_data_folder, tmp_path / "features.parquet", **settings)
    table = pd.read_parquet(tmp_path / "features.parquet")
    steps = [0, 2] if encoder == "video" else [0, 1, 2, 3]
    assert code == 0
    assert f"{20 * 2 * len(steps)} rows of 20 trials are in" in text
    assert list(table.columns) == [*COLUMNS, *names]
    assert table["trial_id"].drop_duplicates().tolist() == open_dataset(shared_data_folder).trials.index.tolist()
    assert (table["participant_id"] == table["trial_id"].str[1:4]).all()
    one = table[table["trial_id"] == "S103T2"]
    assert one["clip"].tolist() == [clip for clip in (0, 1) for _ in steps]
    assert one["step"].tolist() == [*steps, *steps]
    # 12 frames from second 0: the middle of the first and of the second half of each of the four parts.
    seconds = [[0, 3, 6, 9], [2, 5, 8, 11]]
    assert one["second"].tolist() == [clip[step] for clip in seconds for step in steps]
    config = config_from({**settings, "recipe": "frozen"}, TINY)
    for name in names:
        expected = by_hand(shared_data_folder, config, name, "S103T2")
        begins = one["step"] % (4 // expected.shape[1]) == 0
        assert one.loc[~begins, name].isna().all()
        found = np.stack(one.loc[begins, name])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected.reshape(-1, expected.shape[-1]), atol=1e-5)


def test_the_file_says_where_its_features_come_from(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path, model: Path
) -> None:
    settings: dict[str, Any] = {"model": str(model), "encoder": "video", "num_frames": 4, "window": "0:9"}
    assert embed(capsys, shared_data_folder, tmp_path / "features.parquet", **settings)[0] == 0
    schema = pq.read_schema(tmp_path / "features.parquet")
    about = json.loads(schema.metadata[b"socal"])
    encoder = build_encoder("video", config_from({**settings, "recipe": "frozen"}, TINY))
    assert about["socal_core"] == __version__
    assert about["fingerprint"] == open_dataset(shared_data_folder).fingerprint
    assert about["settings"].items() >= {"window": "0:9", "num_frames": 4}.items()
    assert about["encoders"] == {"video": {"title": f"VideoMAE ({model})", "sha256": encoder.digest}}
    assert str(schema.field("video").type) == "fixed_size_list<element: float>[64]"


def test_an_existing_file_is_not_overwritten(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path
) -> None:
    out = tmp_path / "features.parquet"
    out.write_text("a thesis")
    code, _, errors = embed(capsys, shared_data_folder, out)
    assert code == 2
    assert "features.parquet already exists. Choose another name." in errors
    assert out.read_text() == "a thesis"


def test_what_cannot_be_written_or_read_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path
) -> None:
    code, _, errors = embed(capsys, shared_data_folder, tmp_path / "no" / "features.parquet")
    assert code == 2
    assert "cannot be written: its folder does not exist" in errors
    code, _, errors = embed(capsys, shared_data_folder, tmp_path / "f.parquet", window="50:60", encoder="image")
    assert code == 2
    assert "No trial has a clip that can be read; the first: S100T1: no frame in the window" in errors
    assert list(tmp_path.iterdir()) == []


def test_trials_without_a_clip_are_left_out(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, data_folder: Path, model: Path
) -> None:
    for frame in (data_folder / layout.IMAGES_DIR).glob("S100T1_*"):
        frame.write_bytes(b"broken")
    code, text, errors = embed(
        capsys, data_folder, tmp_path / "features.parquet", model=model, encoder="video", num_frames=4
    )
    assert code == 1
    assert "19 trials are in" in text
    assert "; trials without a clip that can be read: 1." in text
    assert "S100T1" in errors
    assert "S100T1" not in set(pd.read_parquet(tmp_path / "features.parquet")["trial_id"])
