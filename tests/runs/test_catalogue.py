"""socal_core.runs.catalogue: known weights, their licences, and the refusal of a download without acceptance."""

import json
from pathlib import Path

import pytest

from socal_core.cli import main
from socal_core.errors import ConfigError
from socal_core.models.build import build_classifier
from socal_core.models.weights_record import describe_weights
from socal_core.runs.architecture import architecture_of
from socal_core.runs.catalogue import CATALOGUE, check_licence, known_model
from socal_core.runs.folder import RunFolder
from socal_core.settings import PRETRAINED, TINY, TrainConfig, config_from
from tests.models.checkpoints import write_classifier

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def settings(model: str = PRETRAINED, **values: object) -> TrainConfig:
    return config_from({"model": model, "recipe": "finetune", "allow_download": True, **values}, TINY)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put(cache: Path, model: str) -> None:
    """Put a small VideoMAE into the cache under the name of a model."""
    repository = cache / f"models--{model.replace('/', '--')}"
    (repository / "snapshots").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    write_classifier(repository / "snapshots" / COMMIT)


def test_every_entry_says_what_it_is_and_how_to_use_it() -> None:
    names = [model.name for model in CATALOGUE]
    assert len(set(names)) == len(names)
    for model in CATALOGUE:
        assert model.licence and model.source and model.description, model.name
        assert model.direct != bool(model.how), model.name
        assert model.direct == (known_model(model.name) is model)
        assert (model.parameters is None) == (model.megabytes is None)
        assert model.parameters or model.unverified, model.name
        assert bool(model.clip) == bool(model.clip_source), model.name
        of_videos = model.family != "EfficientNet"
        assert bool(model.clip) == of_videos or "clips" in model.unverified, model.name


def test_a_download_needs_the_licence_accepted(cache: Path, tmp_path: Path, shared_data_folder: Path) -> None:
    rule = rf"^licence_accepted: must be true to download {PRETRAINED}, whose licence is CC BY-NC 4\.0"
    with pytest.raises(ConfigError, match=rule):
        RunFolder.create(tmp_path / "run", settings(), shared_data_folder)
    assert not (tmp_path / "run").exists()
    with pytest.raises(ConfigError, match=rule):
        build_classifier(settings())
    check_licence(settings(licence_accepted=True).model)


@pytest.mark.parametrize(
    "values",
    [
        {"model": TINY},
        {"model": "owner/name"},
        {"allow_download": False},
        {"recipe": "frozen", "encoder": "image"},
    ],
    ids=str,
)
def test_what_downloads_no_known_weights_needs_no_licence(cache: Path, values: dict[str, object]) -> None:
    check_licence(settings(**values).model)


def test_weights_on_this_machine_need_no_acceptance_and_their_licence_is_recorded(cache: Path) -> None:
    put(cache, PRETRAINED)
    check_licence(settings().model)
    assert known_model(PRETRAINED).present
    assert describe_weights(settings().model).licence == "CC BY-NC 4.0"


def test_the_cost_of_a_known_model_is_estimated_before_its_download(cache: Path) -> None:
    model = "facebook/vjepa2-vitl-fpc64-256"
    assert architecture_of(model) == known_model(model).architecture
    assert architecture_of(model).parameters > 300e6


def test_the_command_lists_all(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    printed = capsys.readouterr().out
    assert "tiny: present, MIT, 12 MB\n" in printed
    assert f"{PRETRAINED}: not present, CC BY-NC 4.0, 345 MB\n" in printed
    assert "SurgVISTA: not present, CC BY-NC-ND 4.0, size not known\n" in printed
    assert "    Clips of its training: 8 frames, every 32nd of Kinetics-400 (configs/Kinetics/TimeSformer_" in printed
    assert "    How: download the .pth, then `socal import`.\n" in printed
    assert main(["models", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [model["name"] for model in listed] == [model.name for model in CATALOGUE]
    assert listed[0]["present"] and listed[0]["parameters"] == CATALOGUE[0].parameters
