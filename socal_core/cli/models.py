"""The commands for models: `import`."""

import argparse

from socal_core.cli.arguments import print_line
from socal_core.errors import ConfigError

MOST_HEADS = 256
IMAGE_SIZES = (16, 1024)


def import_(options: argparse.Namespace) -> int:
    """Convert an original VideoMAE checkpoint to a model folder."""
    from socal_core.models.import_checkpoint import import_checkpoint

    _check_range("--heads", options.heads, 1, MOST_HEADS)
    _check_range("--image-size", options.image_size, *IMAGE_SIZES)
    report = import_checkpoint(options.checkpoint, options.out, options.heads, options.image_size)
    sizes = report.sizes
    print_line(
        f"{report.source}: a VideoMAE of {sizes.num_hidden_layers} layers of size {sizes.hidden_size} with "
        f"{sizes.num_attention_heads} heads, frames of {sizes.image_size} pixels; {report.matched} weights matched."
    )
    for title, names in (
        ("Missing, started anew by training", report.missing),
        ("Used by pre-training only, left out", report.left_out),
        ("Unexpected, left out", report.unexpected),
    ):
        if names:
            print_line(f"{title}: {len(names)} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''}).")
    print_line(f"Fine-tune it with --set model={options.out}.")
    return 0


def _check_range(name: str, value: int | None, low: int, high: int) -> None:
    if value is not None and not low <= value <= high:
        raise ConfigError(name, f"must be between {low} and {high}", value)
