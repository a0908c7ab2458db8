"""The commands for data: `demo`, `download`, `inspect`, `footage`, `text`, `agreement` and `convert`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from socal_core.access.audit import record_here
from socal_core.access.permissions import Action
from socal_core.access.pseudonyms import pseudonymized
from socal_core.cli.arguments import data_options, open_data, print_line
from socal_core.cli.bars import Bar
from socal_core.cli.parser import program_name
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.filters import TrialFilter, apply
from socal_core.dataset.inspection import check_frames, frame_table, summarise
from socal_core.dataset.problems import printable
from socal_core.dataset.saved_views import view_named
from socal_core.errors import DataError
from socal_core.file_handles import os_reason
from socal_core.presets import preset_of
from socal_core.spreadsheets import csv_for_people
from socal_core.storage import replacing


def demo(options: argparse.Namespace) -> int:
    """Generate the synthetic data set."""
    from socal_core.demo.write import write_demo

    with Bar("Generating trials") as bar:
        write_demo(options.out, options.surgeons, options.seed, bar.show)
    print_line(f"The demo data set is in {options.out}. Look at it: {program_name()} inspect {options.out}")
    return 0


def download(options: argparse.Namespace) -> int:
    """Download a shared Google Drive folder or file, and check it."""
    from socal_core.fetch.download import download as fetch

    arrived = fetch(options.address, options.out, lambda text: tqdm.write(text, file=sys.stderr))
    record_here(Action.DOWNLOAD_DATA, f"{options.address} to {options.out}")
    for problem in arrived.problems:
        sys.stderr.write(f"problem: {problem}\n")
    print_line(f"{arrived.frames:,} frames and {len(arrived.files)} tables are in {options.out}.")
    return 0 if arrived.complete else 1


def inspect(options: argparse.Namespace) -> int:
    """Describe a data folder: its content, its problems, and how trial length and coaching relate to the outcome."""
    # Only this command needs SciPy and scikit-learn, which take a while to load.
    from socal_core.evaluation.coaching import coaching_sentences, coaching_summary
    from socal_core.evaluation.metrics import length_auroc

    dataset = open_data(options)
    length = length_auroc(dataset.usable_trials)
    coached = dataset.preset.coached
    coaching = coaching_summary(dataset.trials) if coached else None
    summary = {**summarise(dataset), "length_auroc": length, "coaching": coaching}
    if options.frames is not None:
        _write_frames(dataset, options.frames, options.pseudonymize)
    if options.deep:
        with Bar("Opening frames") as bar:
            summary["problems"] += [problem.as_dict() for problem in check_frames(dataset, bar.show)]
    if options.json:
        print_line(json.dumps(summary, indent=2, ensure_ascii=False))
        return 0
    print_line(_inspect_text(summary, coaching_sentences(dataset.trials) if coached else []))
    return 0


def _write_frames(dataset: Dataset, out: Path, pseudonyms: bool) -> None:
    """Write the table of frames to a new CSV file."""
    table = frame_table(dataset)
    if pseudonyms:
        surgeons = dataset.trials["participant_id"].dropna().astype(str)
        table = pseudonymized(table, frozenset(map(str, dataset.trials.index)), frozenset(surgeons))
    if out.exists():
        raise DataError(f"{out} already exists. Choose another name.")
    try:
        with replacing(out) as draft:
            draft.write_text(csv_for_people(table), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{out} cannot be written: {os_reason(error)}. Choose another folder.") from error
    record_here(Action.EXPORT, str(out))
    sys.stderr.write(f"Wrote {len(dataset.frames):,} frames to {out}.\n")


def footage(options: argparse.Namespace) -> int:
    """Look for the same footage in several trials."""
    from socal_core.evaluation.same_footage import footage_of, look_for_same_footage

    dataset = open_data(options)
    with Bar("Reading frames") as bar:
        report = look_for_same_footage(dataset, bar.show)
    if options.json:
        print_line(json.dumps(report, indent=2))
        return 0
    for pair in footage_of(report):
        print_line(
            f"{pair.trial_id} at {pair.second:g} s and {pair.other} at {pair.other_second:g} s: {pair.frames} frames, "
            f"distance {pair.distance:.4f}"
        )
    pairs = len(report["pairs"])
    print_line(f"{report['frames']:,} frames compared, {report['unreadable']} unreadable; pairs of trials: {pairs}")
    return 0


def text(options: argparse.Namespace) -> int:
    """Look for text that is burnt into frames."""
    from socal_core.evaluation.frame_text import kinds_of_text, look_for_text, text_reader, texts_of

    read = text_reader()
    dataset = open_data(options)
    with Bar("Reading frames") as bar:
        report = look_for_text(dataset, read, bar.show)
    if options.json:
        print_line(json.dumps(report, indent=2, ensure_ascii=False))
        return 0
    kinds = kinds_of_text(texts_of(report))
    for found in texts_of(report):
        print_line(
            f"{found.trial_id} at {found.second:g} s: {printable(found.text)} (confidence {found.confidence:.2f}, box "
            f"{found.box}, trial: {kinds[found.trial_id][0]})"
        )
    print_line(
        f"{report['frames']} frames of {report['trials']} trials read, {report['unreadable']} unreadable: text in "
        f"{len(kinds)} trials"
    )
    return 0


def agreement(options: argparse.Namespace) -> int:
    """Compare the boxes of a folder that holds them in several formats."""
    from socal_core.annotations.agreement import compare_formats

    result = compare_formats(options.data, data_options(options))
    if options.json:
        print_line(json.dumps(result.as_dict(), indent=2))
        return 0
    print_line("\n".join(result.sentences()))
    for proposal in result.proposals:
        if proposal.lines:
            print_line(f"To apply them, save these lines as {' and as '.join(proposal.files)}:")
            print_line(proposal.content().rstrip())
    return 0


def convert(options: argparse.Namespace) -> int:
    """Write a copy of a data set with its boxes in another format."""
    from socal_core.annotations.convert import convert as write

    dataset = open_data(options)
    view = TrialFilter() if options.view is None else view_named(dataset.root, options.view).filter
    with Bar("Copying frames") as bar:
        write(dataset, options.out, options.to, not options.annotations_only, bar.show, data_options(options), view)
    record_here(Action.EXPORT, f"{dataset.root} to {options.out}")
    written = apply(dataset, view)
    print_line(f"{len(written.boxes):,} boxes of {len(written.frames):,} frames are in {options.out}.")
    return 0


def _inspect_text(summary: dict[str, Any], coaching: list[str]) -> str:
    outcomes = summary["outcomes"]
    preset = preset_of(summary["preset"])
    lines = [
        f"data set: {preset.title} (licence: {' or '.join(licence.name for licence in preset.licences)})",
        f"{summary['trials']} trials with frames, {summary['usable_trials']} usable "
        f"({outcomes['success']} successes, {outcomes['failure']} failures), {outcomes['unknown']} of unknown outcome",
        f"{summary['frames']} frames, {summary['boxes']} boxes, {summary['frames_without_boxes']} frames without a box",
        "boxes: " + ", ".join(f"{label} {n}" for label, n in summary["labels"].items()),
        f"box format: {summary['box_format'] or 'none'} (available: {', '.join(summary['box_formats']) or 'none'})",
        f"fingerprint: {summary['fingerprint']}",
    ]
    if summary["length_auroc"] is not None:
        lines.append(
            f"AUROC of the number of frames alone: {summary['length_auroc']:.2f} (0.5 is chance, 1 is perfect)"
        )
    lines += coaching
    for problem in summary["problems"]:
        row = "" if problem["row"] is None else f":{problem['row']}"
        lines.append(f"{problem['severity']}: {problem['path']}{row}: {problem['message']}")
    return "\n".join(lines)
