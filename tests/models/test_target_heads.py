"""socal_core.models.build for targets other than success: the size of the head, and which head is kept."""

from pathlib import Path
from typing import Any

import pytest
import torch

from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.errors import ModelError
from socal_core.models.build import VideoClassifier, build_classifier, load_classifier, save_classifier
from socal_core.settings import TINY, config_from
from tests.models.checkpoints import OUTCOMES, write_classifier, write_json, write_pretrained
from tests.models.small_families import MODELS, write_family

CLIP = torch.randn(2, 4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
NUMBER = Target("blood_loss", "Blood loss", "mL")
GRADE = Target("grade", "grade", classes=("1", "2", "3"))
ANSWER = Target("bleeding", "bleeding", classes=("no", "yes"))
GRADES = {"id2label": {"0": "3", "1": "1.0", "2": "2"}, "label2id": None}


def built(folder: Path, target: Target) -> VideoClassifier:
    config = config_from({"model": str(folder), "num_frames": 4, "dropout_rate": 0.0}, TINY)
    classifier = build_classifier(config, target)
    classifier.model.eval()
    return classifier


@pytest.mark.sampled(2)
@pytest.mark.parametrize("family", ["videomae", *MODELS])
@pytest.mark.parametrize("target", [NUMBER, GRADE], ids=["number", "classes"])
def test_a_saved_classifier_of_any_target_is_loaded_with_its_outputs(
    tmp_path: Path, family: str, target: Target
) -> None:
    if family == "videomae":
        write_pretrained(tmp_path / "model")
    else:
        write_family(tmp_path / "model", family)
    classifier = built(tmp_path / "model", target)
    with torch.no_grad():
        logits = classifier.model(pixel_values=CLIP).logits
    assert logits.shape == (2, target.outputs)
    save_classifier(classifier, tmp_path / "epoch-0001")
    again = load_classifier(tmp_path / "epoch-0001").model.eval()
    assert again.config.id2label == dict(enumerate(target.classes or ("blood_loss",)))
    assert again.config.problem_type == ("regression" if target.is_number else None)
    with torch.no_grad():
        torch.testing.assert_close(again(pixel_values=CLIP).logits, logits)


def test_a_head_of_the_same_classes_is_kept_in_the_order_of_the_target(tmp_path: Path) -> None:
    weights = write_classifier(tmp_path / "model", 3, **GRADES)
    classifier = built(tmp_path / "model", GRADE)
    assert torch.equal(classifier.model.classifier.weight, weights["classifier.weight"][[1, 2, 0]])
    assert "its trained classifier for 1, 2, 3 is used, in the order of its labels (3, 1, 2)." in classifier.note


@pytest.mark.parametrize(
    ("labels", "target", "message"),
    [
        (OUTCOMES, ANSWER, "labels (failure, success) other than no, yes, so a new classifier is trained"),
        ({}, ANSWER, "its classifier has labels other than no, yes, so a new classifier is trained"),
        (GRADES, SUCCESS_TARGET, "labels (3, 1.0, 2) other than success and failure, so a new"),
        (OUTCOMES, NUMBER, "its head (failure, success) is not used: for a number such as blood_loss, a new one"),
        ({"id2label": {"0": "blood_loss"}, "label2id": None}, NUMBER, "its head (blood_loss) is not used"),
    ],
    ids=["outcomes", "unnamed", "grades", "number from classes", "number from number"],
)
def test_any_other_head_is_new(tmp_path: Path, labels: dict[str, Any], target: Target, message: str) -> None:
    weights = write_classifier(tmp_path / "model", max(1, len(labels.get("id2label", "12"))), **labels)
    classifier = built(tmp_path / "model", target)
    assert message in classifier.note
    new, old = classifier.model.classifier.weight, weights["classifier.weight"]
    assert new.shape == (target.outputs, 32)
    assert not any(torch.equal(row, before) for row in new for before in old)


def test_a_pretrained_model_needs_no_note_about_its_head(tmp_path: Path) -> None:
    write_pretrained(tmp_path / "model", use_mean_pooling=True)
    assert built(tmp_path / "model", NUMBER).note == ""


def test_a_checkpoint_with_contradicting_labels_is_refused(tmp_path: Path) -> None:
    write_pretrained(tmp_path / "model")
    classifier = built(tmp_path / "model", GRADE)
    save_classifier(classifier, tmp_path / "epoch-0001")
    values = {**classifier.model.config.to_dict(), "label2id": {"1": 2, "2": 1, "3": 0}}
    write_json(tmp_path / "epoch-0001" / "config.json", values)
    with pytest.raises(ModelError, match=r"its config\.json is damaged"):
        load_classifier(tmp_path / "epoch-0001")
