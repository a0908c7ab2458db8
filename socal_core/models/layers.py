"""The layers of a video classifier, from its head down to its embeddings."""

import re
from collections.abc import Collection

from torch import nn
from transformers import PreTrainedModel

BLOCK = re.compile(r"\bencoder\.layer\.(\d+)\.")
"""The number of the transformer block in the name of a parameter."""


def layers_below_head(names: Collection[str]) -> dict[str, int]:
    """Count the layers from a classifier's head down to each parameter.

    Args:
        names: The names of all parameters.

    Returns:
        By name: 0 for the head and the norm before it, 1 for the last transformer block, and one more for each block
        before it, down to the embeddings.
    """
    of_block = {name: int(match[1]) for name in names if (match := BLOCK.search(name))}
    blocks = max(of_block.values(), default=-1) + 1
    others = {name: blocks + 1 if ".embeddings." in name else 0 for name in names}
    return others | {name: blocks - number for name, number in of_block.items()}


def blocks_of(model: PreTrainedModel) -> list[nn.Module]:
    """Return the transformer blocks of a classifier, the first one first."""
    blocks = model.base_model.get_submodule("encoder.layer")
    return list(blocks.children())


def head_of(model: PreTrainedModel) -> nn.Linear:
    """Return the linear layer that computes the logits of a classifier."""
    head = model.get_submodule("classifier")
    assert isinstance(head, nn.Linear)  # noqa: S101 - of every class that build.py loads
    return head
