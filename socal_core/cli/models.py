"""The commands for models: `models` and `import`."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from socal_core.cli.arguments import print_line
from socal_core.errors import ConfigError
from socal_core.runs.catalogue import CATALOGUE, KnownModel

MOST_HEADS = 256
IMAGE_SIZES = (16, 1024)


def models(options: argparse.Namespace) -> int:
    """List the known pre-trained weights."""
    if options.json:
        print_line(json.dumps([_as_dict(model) for model in CATALOGUE], indent=2))
        return 0
    for model in CATALOGUE:
        size = f"{model.megabytes} MB" if model.megabytes else "size not known"
        print_line(f"{model.name}: {'present' if model.present else 'not present'}, {model.licence}, {size}")
        print_line(f"    {model.family}. {model.description}")
        print_line(f"    {model.source}.")
        if model.clip:
            print_line(f"    Clips of its training: {model.clip} ({model.clip_source}).")
        if model.how:
            print_line(f"    How: {model.how}.")
        if model.unverified:
            print_line(f"    Not verified: {model.unverified}.")
    return 0


def _as_dict(model: KnownModel) -> dict[str, Any]:
    values = {name: value for name, value in asdict(model).items() if name != "architecture"}
    return values | {"parameters": model.parameters, "megabytes": model.megabytes, "present": model.present}


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
