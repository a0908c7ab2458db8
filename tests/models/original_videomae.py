"""VideoMAE as its authors describe it, written for the tests: names of weights as in their checkpoints."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

EPS = 1e-6


def sinusoid_table(count: int, dims: int) -> torch.Tensor:
    """Positions: sines at even and cosines at odd dimensions."""
    table = np.array([[p / 10_000 ** (2 * (d // 2) / dims) for d in range(dims)] for p in range(count)])
    table[:, 0::2], table[:, 1::2] = np.sin(table[:, 0::2]), np.cos(table[:, 1::2])
    return torch.tensor(table, dtype=torch.float32)


class _Attention(nn.Module):
    def __init__(self, dims: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dims, 3 * dims, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(dims))
        self.v_bias = nn.Parameter(torch.zeros(dims))
        self.proj = nn.Linear(dims, dims)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        clips, count, dims = tokens.shape
        bias = torch.cat([self.q_bias, torch.zeros(dims), self.v_bias])
        parts = functional.linear(tokens, self.qkv.weight, bias).reshape(clips, count, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        scores = (query * (dims // self.heads) ** -0.5) @ key.transpose(-2, -1)
        return self.proj((scores.softmax(dim=-1) @ value).transpose(1, 2).reshape(clips, count, dims))


class _Mlp(nn.Module):
    def __init__(self, dims: int, middle: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dims, middle), nn.Linear(middle, dims)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.fc2(functional.gelu(self.fc1(tokens)))


class _Block(nn.Module):
    def __init__(self, dims: int, heads: int, middle: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dims, eps=EPS), nn.LayerNorm(dims, eps=EPS)
        self.attn, self.mlp = _Attention(dims, heads), _Mlp(dims, middle)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class _PatchEmbed(nn.Module):
    def __init__(self, dims: int, tubelet: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv3d(3, dims, (tubelet, patch, patch), (tubelet, patch, patch))


class OriginalVideoMAE(nn.Module):
    """The fine-tuned classifier: (clips, 3, frames, height, width) to logits."""

    def __init__(
        self, dims: int = 64, heads: int = 4, layers: int = 2, classes: int = 2, mean_pooling: bool = True
    ) -> None:
        super().__init__()
        self.patch_embed = _PatchEmbed(dims, 2, 16)
        self.blocks = nn.ModuleList(_Block(dims, heads, 2 * dims) for _ in range(layers))
        self.norm = nn.Identity() if mean_pooling else nn.LayerNorm(dims, eps=EPS)
        self.fc_norm = nn.LayerNorm(dims, eps=EPS) if mean_pooling else None
        self.head = nn.Linear(dims, classes)
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / (6 if parameter.ndim > 1 else 2))
            for name, parameter in self.named_parameters():
                if "norm" in name and name.endswith("weight"):
                    parameter.add_(1)

    def tokens(self, clips: torch.Tensor) -> torch.Tensor:
        """The tokens after the last block."""
        tokens = self.patch_embed.proj(clips).flatten(2).transpose(1, 2)
        tokens = tokens + sinusoid_table(*tokens.shape[1:])
        for block in self.blocks:
            tokens = block(tokens)
        return tokens

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        tokens = self.norm(self.tokens(clips))
        pooled = tokens[:, 0] if self.fc_norm is None else self.fc_norm(tokens.mean(dim=1))
        logits: torch.Tensor = self.head(pooled)
        return logits


def pretraining_weights(model: OriginalVideoMAE) -> dict[str, torch.Tensor]:
    """The weights of a checkpoint of masked pre-training with this encoder."""
    kept = {name: value for name, value in model.state_dict().items() if not name.startswith(("fc_norm", "head"))}
    dims = model.patch_embed.proj.weight.shape[0]
    encoder = {f"encoder.{name}": value for name, value in kept.items()}
    norm = {"encoder.norm.weight": torch.ones(dims), "encoder.norm.bias": torch.zeros(dims)}
    decoder = {f"decoder.blocks.0.norm1.{kind}": torch.ones(16) for kind in ("weight", "bias")}
    decoder |= {"encoder_to_decoder.weight": torch.ones(16, dims), "mask_token": torch.zeros(1, 1, 16)}
    return {**encoder, **norm, **decoder, "decoder.head.weight": torch.ones(8, 16)}
