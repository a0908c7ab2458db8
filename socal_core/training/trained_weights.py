"""The weights that a run trains and those that it predicts with: their moving average, with LoRA merged."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from socal_core.models.tuning import merged_weights
from socal_core.settings import LORA, TrainConfig
from socal_core.training.sharding import sharded_as

Tensors = dict[str, torch.Tensor]


class TrainedWeights:
    """The weights of a network in training.

    A checkpoint holds those that the run predicts with as its model. If they differ from the trained ones, it holds
    the trained ones beside them, for resuming.
    """

    def __init__(self, model: nn.Module, config: TrainConfig) -> None:
        """Start with the present weights.

        Args:
            model: The network, whose trained weights require gradients.
            config: The settings of the run.
        """
        self._model = model
        self._decay = config.optimization.weight_averaging
        self._merges = config.model.tune == LORA
        self._average = {name: tensor.detach().clone() for name, tensor in self._trained()} if self._decay else {}

    def after_step(self) -> None:
        """Update the moving average."""
        for name, tensor in self._trained() if self._decay else ():
            self._average[name].lerp_(tensor.detach(), 1 - self._decay)

    @contextmanager
    def for_prediction(self) -> Iterator[None]:
        """Use the average inside the context."""
        if not self._decay:
            yield
            return
        before = {name: tensor.detach().clone() for name, tensor in self._trained()}
        self._assign(self._average)
        try:
            yield
        finally:
            self._assign(before)

    def of_prediction(self) -> Tensors:
        """Return the state dict of the network that the run predicts with, without LoRA."""
        with self.for_prediction():
            weights = merged_weights(self._model) if self._merges else self._model.state_dict()
            return {name: tensor.clone() for name, tensor in weights.items()} if self._decay else weights

    def state_dict(self) -> dict[str, Tensors]:
        """Return the trained weights and their average, if a checkpoint needs them beside its model."""
        if not self._decay and not self._merges:
            return {}
        return {"trained": {name: tensor.detach() for name, tensor in self._trained()}, "average": self._average}

    def load_state_dict(self, state: dict[str, Tensors]) -> None:
        """Restore what `state_dict` returned.

        Raises:
            ValueError: It is of another network.
        """
        if not state:
            return
        if set(state["trained"]) != {name for name, _ in self._trained()}:
            raise ValueError("the trained weights are those of another network")
        self._assign(state["trained"])
        for name, tensor in state["average"].items():
            self._average[name].copy_(sharded_as(tensor, self._average[name]))

    def _trained(self) -> list[tuple[str, torch.Tensor]]:
        return [(name, tensor) for name, tensor in self._model.named_parameters() if tensor.requires_grad]

    @torch.no_grad()
    def _assign(self, tensors: Tensors) -> None:
        for name, tensor in self._trained():
            tensor.copy_(sharded_as(tensors[name], tensor))
