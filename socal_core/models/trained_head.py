"""Decide from its labels whether the classifier of a fine-tuned model has the classes of a run."""

from collections.abc import Sequence

import torch

from socal_core.dataset.targets import Target, plain
from socal_core.models.model_config import NO_LABELS, ModelConfig

Weights = dict[str, torch.Tensor]

HEAD = ("classifier.weight", "classifier.bias")
NAMES_SHOWN = 3


def classifier_rows(found: ModelConfig, weights: Weights, target: Target) -> list[int] | None:
    """Find the rows of a classifier that stand for the classes of a target.

    Args:
        found: The model's config.json, with `id2label` or `label2id`.
        weights: The model's weights.
        target: What the run predicts.

    Returns:
        The row of each class; None if there is no complete classifier of these classes, and always for a number, whose
        unit is that of its own training trials. Two unnamed classes are assumed to have the order of the reference
        notebook: 0 is failure, 1 is success.
    """
    if target.is_number:
        return None
    names, classes = _names(found, target), [plain(name) for name in target.classes]
    if sorted(names) != sorted(classes):
        return None
    complete = all(name in weights and len(weights[name]) == len(classes) for name in HEAD)
    if not complete or not any(found.norm_of_classifier in name for name in weights):
        return None
    return [names.index(name) for name in classes]


def reorder_rows(weights: Weights, rows: list[int]) -> Weights:
    """Put the rows of a classifier in the order of the classes of the run.

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


def head_note(found: ModelConfig, weights: Weights, target: Target) -> str:
    """Describe whether a model's classifier and pooling are kept.

    Args:
        found: The model's config.json.
        weights: The model's weights, as in its files.
        target: What the run predicts.

    Returns:
        A note for the user; empty for a pre-trained model that has no classifier and averages all tokens.
    """
    name, rows = found.files.name, classifier_rows(found, weights, target)
    classes = "success and failure" if target.is_success else _listed(target.classes)
    if rows is not None:
        order = "" if rows == sorted(rows) else f", in the order of its labels ({', '.join(_names(found, target))})"
        if target.is_success and _unnamed(found):
            order = ". Its classes have no names; the second one is assumed to be success"
        pooling = "" if found.averages_tokens else " It uses only the first token, as in its training."
        return f"{name}: its trained classifier for {classes} is used{order}.{pooling}"
    notes = []
    if any(part in weights for part in HEAD):
        named = f" ({_listed(found.labels)})" if found.labels and not _unnamed(found) else ""
        if target.is_number:
            new = f"{name}: its head{named} is not used: for a number such as {target.column}, a new one is trained."
        else:
            new = f"{name}: its classifier has labels{named} other than {classes}, so a new classifier is trained."
        notes.append(new)
    if not found.averages_tokens:
        notes.append(
            f"{name}: its config.json uses only the first token (use_mean_pooling: false), which suits pre-training "
            "only. The new classifier averages all tokens."
        )
    return " ".join(notes)


def _names(found: ModelConfig, target: Target) -> list[str]:
    """Return the label of each row as names of classes are compared; two unnamed ones may be the outcomes."""
    if target.is_success and _unnamed(found):
        return list(target.classes)
    return [plain(name) for name in found.labels]


def _unnamed(found: ModelConfig) -> bool:
    return [plain(name) for name in found.labels] == [plain(name) for name in NO_LABELS]


def _listed(names: Sequence[str]) -> str:
    return ", ".join([*names[:NAMES_SHOWN], *(["…"] if len(names) > NAMES_SHOWN else [])])
