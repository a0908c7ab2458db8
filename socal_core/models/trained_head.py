"""Decide from its labels whether the classifier of a fine-tuned model distinguishes success from failure."""

from collections.abc import Mapping
from typing import Any

import torch

from socal_core.models.model_config import LABELS, ModelConfig

Weights = dict[str, torch.Tensor]

HEAD = ("classifier.weight", "classifier.bias")
UNNAMED = ["label_0", "label_1"]
"""The names that transformers gives to two unnamed classes, in lower case."""
NAMES_SHOWN = 3


def classifier_rows(found: ModelConfig, weights: Weights) -> list[int] | None:
    """Find the rows of a classifier that stand for failure and success.

    Args:
        found: The model's config.json, with `id2label` or `label2id`.
        weights: The model's weights.

    Returns:
        The row of failure and that of success; None if there is no complete classifier of these two classes. Two
        unnamed classes are assumed to have the order of the reference notebook: 0 is failure, 1 is success.
    """
    names = _lower_labels(found.values)
    if names == UNNAMED:
        names = list(LABELS.values())
    if sorted(names) != sorted(LABELS.values()):
        return None
    complete = all(name in weights and len(weights[name]) == len(LABELS) for name in HEAD)
    if not complete or not any(found.norm_of_classifier in name for name in weights):
        return None
    return [names.index(label) for label in LABELS.values()]


def reorder_rows(weights: Weights, rows: list[int]) -> Weights:
    """Put the rows of a classifier in the order of LABELS.

    Args:
        weights: The model's weights.
        rows: The rows that `classifier_rows` found.

    Returns:
        The weights, with the rows of the classifier in this order.
    """
    return weights | {name: weights[name][rows] for name in HEAD}


def without_head(weights: Weights) -> Weights:
    """Remove the classifier, and the weights that only masked pre-training uses."""
    unused = ("classifier.", "decoder.", "encoder_to_decoder.", "mask_token")
    return {name: tensor for name, tensor in weights.items() if not name.startswith(unused)}


def head_note(found: ModelConfig, weights: Weights) -> str:
    """Describe whether a model's classifier and pooling are kept.

    Args:
        found: The model's config.json.
        weights: The model's weights, as in its files.

    Returns:
        A note for the user; empty for a pre-trained model that has no classifier and averages all tokens.
    """
    name, values, rows = found.files.name, found.values, classifier_rows(found, weights)
    if rows is not None:
        order = "" if rows == sorted(rows) else ", in the order of its labels (success, failure)"
        if _lower_labels(values) == UNNAMED:
            order = ". Its classes have no names; the second one is assumed to be success"
        pooling = "" if found.averages_tokens else " It uses only the first token, as in its training."
        return f"{name}: its trained classifier for success and failure is used{order}.{pooling}"
    notes = []
    if any(part in weights for part in HEAD):
        labels = _labels(values)
        more = ", …" if len(labels) > NAMES_SHOWN else ""
        named = f" ({', '.join(labels[:NAMES_SHOWN])}{more})" if labels else ""
        notes.append(
            f"{name}: its classifier has labels{named} other than success and failure, so a new classifier is trained."
        )
    if not found.averages_tokens:
        notes.append(
            f"{name}: its config.json uses only the first token (use_mean_pooling: false), which suits pre-training "
            "only. The new classifier averages all tokens."
        )
    return " ".join(notes)


def _lower_labels(values: Mapping[str, Any]) -> list[str]:
    """Read the label of each row in lower case; UNNAMED without labels, since transformers does not write those."""
    if "id2label" not in values and "label2id" not in values:
        return UNNAMED
    return [name.strip().lower() for name in _labels(values)]


def _labels(values: Mapping[str, Any]) -> list[str]:
    """Read the label of each row; empty if there are none, or id2label and label2id contradict each other."""
    by_id, by_label = values.get("id2label"), values.get("label2id")
    try:
        labels = {int(number): str(label) for number, label in (by_id or {}).items()}
        reverse = {int(number): str(label) for label, number in (by_label or {}).items()}
    except (AttributeError, TypeError, ValueError):
        return []
    if labels and reverse and labels != reverse:
        return []
    found = labels or reverse
    return [found[number] for number in range(len(found))] if set(found) == set(range(len(found))) else []
