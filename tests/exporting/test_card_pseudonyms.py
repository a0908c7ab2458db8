"""Run cards with pseudonyms: no id of a trial or surgeon is in them."""

from pathlib import Path

import pytest

from socal_core.dataset.opening import open_dataset
from socal_core.exporting.card import collect_facts, pseudonymized_facts
from socal_core.exporting.card_page import render_html, render_json
from socal_core.runs.notes import RunNotes, write_notes
from tests.factories import write_outcomes
from tests.made_runs import write_run
from tests.test_cli import run_cli


def test_a_pseudonymized_card_holds_no_id(data_folder: Path, tmp_path: Path) -> None:
    write_outcomes(data_folder, participant_id=[f"surgeon{number // 2}x" for number in range(20)])
    run = write_run(tmp_path / "run-of-S100T1", data_folder)
    write_notes(run, RunNotes("The best of surgeon3x"))
    ids = {*open_dataset(data_folder).trials.index, *(f"surgeon{number}x" for number in range(10))}
    assert [name for name in ids if name in render_html(collect_facts(run))], "the usual card names some"
    facts = pseudonymized_facts(run)
    for text in (render_html(facts), render_json(facts)):
        assert not [name for name in ids if name in text]
    assert facts["results"] == collect_facts(run)["results"]


def test_a_pseudonymized_card_names_no_surgeon_by_number(data_folder: Path, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run-1", data_folder, trials='{"surgeons": ["101", "102"]}', view="of Dr. House")
    assert "surgeon 101" in render_html(collect_facts(run))
    facts = pseudonymized_facts(run)
    assert facts["configuration"]["trials"] == facts["configuration"]["view"] == "left out"
    for text in (render_html(facts), render_json(facts)):
        assert not [name for name in ("101", "House") if name in text]


def test_the_command_writes_a_pseudonymized_card(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_outcomes(data_folder, participant_id=[f"surgeon{number // 2}x" for number in range(20)])
    run = write_run(tmp_path / "run-of-S100T1", data_folder, trials='{"surgeons": ["surgeon1x", "surgeon2x"]}')
    out = tmp_path / "card.json"

    def names_in_card(*options: str) -> list[str]:
        assert run_cli(capsys, "card", run.path, out, *options)[0] == 0
        return [identity for identity in ("S100T1", "surgeon1x") if identity in out.read_text()]

    assert names_in_card() == ["S100T1", "surgeon1x"]
    assert names_in_card("--pseudonymize") == []
    written = out.read_bytes()
    data_folder.rename(tmp_path / "moved")
    code, _, said = run_cli(capsys, "card", run.path, out, "--pseudonymize")
    assert (code, out.read_bytes()) == (2, written), "without the data folder, the ids are unknown"
    assert said.startswith("error: Data of run")
