"""socal_core.runs.model_choice"""

import subprocess
import sys
from pathlib import Path

import pytest

from socal_core.runs.model_choice import model_name, weights_at_hand
from socal_core.settings import PRETRAINED, TINY

ALLOWED = {"SOCAL_ALLOW_DOWNLOAD": "1", "HF_HUB_OFFLINE": "0"}
CODE = "from socal_core.runs.model_choice import default_model; from socal_core.settings import default_config; "
CODE += "print(default_model(), default_config(default_model()).model.allow_download)"


def put_into_cache(cache: Path) -> None:
    """Create the files of the hub's own cache after a download of the weights."""
    repository = cache / "hub" / f"models--{PRETRAINED.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    (repository / "snapshots" / "abc").mkdir(parents=True)
    (repository / "snapshots" / "abc" / "model.safetensors").touch()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cached", "environment", "expected"),
    [
        (False, {}, f"{TINY} False"),
        (True, {}, f"{PRETRAINED} False"),
        # The address is this machine's own, where no hub listens: asked, not reached.
        (
            False,
            {"SOCAL_ALLOW_DOWNLOAD": "1", "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"},
            f"{TINY} True",
        ),
    ],
    ids=["nothing at hand", "weights in the cache", "hub allowed and out of reach"],
)
def test_the_default_model(tmp_path: Path, cached: bool, environment: dict[str, str], expected: str) -> None:
    if cached:
        put_into_cache(tmp_path)
    env = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "PATH": "", **environment}
    result = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == expected


@pytest.mark.parametrize("name", ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"])
def test_weights_in_a_folder(tmp_path: Path, name: str) -> None:
    assert not weights_at_hand(str(tmp_path))
    (tmp_path / name).touch()
    assert weights_at_hand(str(tmp_path))


@pytest.mark.parametrize(
    "model", ["owner/none", "no such id", "a/b/c", "", "../x", "~nobody-here/x", "x" * 5000, "a\0b"]
)
def test_an_absent_model_has_no_weights_on_this_machine(model: str) -> None:
    assert not weights_at_hand(model)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (TINY, "tiny"),
        (PRETRAINED, PRETRAINED),
        ("/models/mine", "mine"),
        ("/runs/run-1/checkpoints/epoch-0007", "run-1 epoch-0007"),
    ],
)
def test_a_page_shows_a_model_by_name_and_never_by_its_path(model: str, name: str) -> None:
    assert model_name(model) == name
