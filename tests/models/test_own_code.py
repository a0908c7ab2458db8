"""A model folder cannot run code: no call of transformers may load what an `auto_map` names."""

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from socal_core.errors import ModelError
from socal_core.models.build import build_classifier, load_classifier
from socal_core.models.encoders import build_encoder
from socal_core.pretraining.masked_network import load_start_model
from socal_core.runs.architecture import architecture_for
from socal_core.settings import TINY, TrainConfig, config_from
from tests.models.checkpoints import PROCESSOR, write_classifier, write_json

ROOT = Path(__file__).resolve().parents[2]
LOADERS = {"from_pretrained", "from_config"}
OURS = {"architecture", "family"}
"""What has a `from_config` of our own, which reads sizes."""
LISTED = {"AutoConfig", "AutoModel", "AutoModelForVideoClassification", "AutoImageProcessor", "AutoVideoProcessor"}


def loading_calls(source: str) -> list[ast.Call]:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    found = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in LOADERS]
    return [call for call in found if _owner(call) not in OURS and not _owner(call).endswith("Architecture")]


def _owner(call: ast.Call) -> str:
    """The last name before that of the function."""
    assert isinstance(call.func, ast.Attribute)
    return ast.unparse(call.func.value).rpartition(".")[2]


def refuses_code(call: ast.Call) -> bool:
    values = {keyword.arg: keyword.value for keyword in call.keywords}
    allowed = values.get("trust_remote_code")
    return isinstance(allowed, ast.Constant) and allowed.value is False


def test_each_call_that_loads_a_model_refuses_code() -> None:
    files = [ROOT / "app.py", *(ROOT / "socal_core").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    calls = [(path, call) for path in files for call in loading_calls(path.read_text(encoding="utf-8"))]
    assert len(calls) >= 3
    assert [f"{path.name}:{call.lineno}" for path, call in calls if not refuses_code(call)] == []


@pytest.mark.parametrize(
    ("source", "refused"),
    [
        ("AutoModel.from_pretrained(x, trust_remote_code=False)", [True]),
        ("AutoModel.from_pretrained(x)", [False]),
        ("transformers.AutoModel.from_config(x, trust_remote_code=flag)", [False]),
        ("family.architecture.from_config(x); VivitArchitecture.from_config(x)", []),
    ],
)
def test_calls_are_recognized(source: str, refused: list[bool]) -> None:
    assert [refuses_code(call) for call in loading_calls(source)] == refused


def read_checkpoint(config: TrainConfig) -> object:
    return load_classifier(Path(config.model.model))


@pytest.mark.parametrize(
    "load",
    [build_classifier, load_start_model, lambda config: build_encoder("video", config), read_checkpoint],
    ids=["classifier", "pre-training", "encoder", "checkpoint"],
)
@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("config.json", {"auto_map": dict.fromkeys(LISTED, "code.Own")}),
        ("config.json", {"model_type": "other", "auto_map": dict.fromkeys(LISTED, "code.Own")}),
        ("config.json", {"model_type": "siglip", "vision_config": {"auto_map": {"AutoModel": "code.Own"}}}),
        ("preprocessor_config.json", {"auto_map": dict.fromkeys(LISTED, "code.Own")}),
    ],
    ids=["known type", "own type", "inside", "preprocessing"],
)
def test_code_in_a_model_folder_does_not_run(
    tmp_path: Path, load: Callable[[Any], object], file: str, changes: dict[str, Any]
) -> None:
    folder, mark = tmp_path / "model", tmp_path / "ran"
    write_classifier(folder)
    write_json(folder / "preprocessor_config.json", PROCESSOR)
    (folder / "code.py").write_text(f"open({str(mark)!r}, 'w').close()\nclass Own: ...\n")
    values = json.loads((folder / file).read_text()) | changes
    write_json(folder / file, values)
    config = config_from({"model": str(folder), "num_frames": 4, "recipe": "frozen", "encoder": "video"}, TINY)
    with pytest.raises(ModelError, match="not supported"):
        load(config)
    architecture_for(config)
    assert not mark.exists()
