"""The layers of a video classifier, from its head down to its embeddings."""

import re
from collections.abc import Collection

from torch import nn
from transformers import PreTrainedModel

BLOCK = re.compile(r"\b(layer|layers|spatial_layers|temporal_layers)\.(\d+)(?:\.|$)")
"""The kind and the number of a transformer block in the name of a parameter or module, in any family of models."""


def layers_below_head(names: Collection[str]) -> dict[str, int]:
    """Count the layers from a classifier's head down to each parameter.

    Args:
        names: The names of all parameters.

    Returns:
        By name: 0 for the head and the norm before it, 1 for the last transformer block, and one more for each block
        before it, down to the embeddings.
    """
    of_block = {name: (match[1], int(match[2])) for name in names if (match := BLOCK.search(name))}
    order = sorted(set(of_block.values()))  # VideoPrism's temporal blocks come after its spatial ones
    others = {name: len(order) + 1 if "embeddings." in name else 0 for name in names}
    return others | {name: len(order) - order.index(block) for name, block in of_block.items()}


def blocks_of(model: PreTrainedModel) -> list[nn.Module]:
    """Return the transformer blocks of a classifier, the first one first."""
    found: dict[tuple[str, int], nn.Module] = {}
    for name, module in model.named_modules():
        match = BLOCK.search(name)
        if match is not None and match.end() == len(name):
            found[match[1], int(match[2])] = module
    return [found[key] for key in sorted(found)]


def head_of(model: PreTrainedModel) -> nn.Linear:
    """Return the linear layer that computes the logits of a classifier."""
    head = model.get_submodule("classifier")
    assert isinstance(head, nn.Linear)  # noqa: S101 - of every class that build.py loads
    return head
