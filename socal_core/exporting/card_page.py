"""Render a run card as one HTML file that loads nothing, and write cards to files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from socal_core.errors import RunError
from socal_core.exporting.card import collect_facts, pseudonymized_facts
from socal_core.exporting.card_figures import figures
from socal_core.exporting.card_limits import NOT_KNOWN
from socal_core.exporting.card_results import label_of_score
from socal_core.file_handles import os_reason
from socal_core.runs.folder import RunFolder
from socal_core.storage import write_text

TEMPLATE = "card.html"


def render_html(facts: Mapping[str, Any]) -> str:
    """Render a card as HTML. All text from the run and its data is escaped.

    Args:
        facts: From `collect_facts`.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "value": value, "duration": duration, "score_name": label_of_score}
    results = facts["results"]
    return environment.get_template(TEMPLATE).render(facts, figures=figures(results) if results else [])


def render_json(facts: Mapping[str, Any]) -> str:
    """Render a card as JSON."""
    return json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


RENDERERS = {".html": render_html, ".json": render_json}


def write_card(run: RunFolder, out: Path, pseudonyms: bool = False) -> None:
    """Write the card of a run.

    Args:
        run: The run.
        out: The file, whose name ends with .html or .json. An existing one is replaced.
        pseudonyms: Whether to replace trials and surgeons by pseudonyms, as `pseudonymized_facts` does.

    Raises:
        RunError: The name has another ending, the run cannot be read, or the file cannot be written.
        ConfigError: A setting of the run is invalid.
        DataError: With pseudonyms: as for `pseudonymized_facts`.
    """
    render = RENDERERS.get(out.suffix.lower())
    if render is None:
        raise RunError(f"{out.name} must end with .html or .json. Choose another name.")
    facts = pseudonymized_facts(run) if pseudonyms else collect_facts(run)
    try:
        write_text(out, render(facts))
    except OSError as error:
        raise RunError(f"{out.name} cannot be written: {os_reason(error)}. Choose another folder.") from None


def number(found: float | None) -> str:
    """Format a score with three decimals, or as a dash if it is not defined."""
    return "–" if found is None else f"{found:.3f}"


def value(found: object) -> str:
    """Format a value of a setting or of the environment."""
    if found is None or found == "":
        return NOT_KNOWN
    return str(found).lower() if isinstance(found, bool) else str(found)


def duration(seconds: float | None) -> str:
    """Format a duration, such as 12 s, 5.0 min or 1.5 h."""
    if seconds is None:
        return NOT_KNOWN
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
