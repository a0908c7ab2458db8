"""Text from folders, runs and people is shown as it is, and has the browser ask nobody for anything."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from socal_core.dataset import layout
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.events import EventLog
from socal_core.runs.folder import RunFolder
from socal_core.runs.notes import RunNotes, write_notes
from socal_core.storage import write_json
from tests.browser.conftest import PATIENCE_MS, WORK_MS, OpenTab, Server, StartServer, servers_in
from tests.browser.test_app import go, settled
from tests.factories import write_csv
from tests.made_runs import write_run

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE_MS)

OUTSIDE = "outside.example"
TEXTS = [
    f"![picture](https://{OUTSIDE}/a.png)",
    f"[link](https://{OUTSIDE}) [reference]: https://{OUTSIDE}",
    f"<img src=https://{OUTSIDE}/b.png onerror=alert(1)> <b>b</b> &lt; &#36; &copy;",
    f"<https://{OUTSIDE}> https://{OUTSIDE}/c HTTP://{OUTSIDE} www.{OUTSIDE} WWW.{OUTSIDE}",
    f"a.b+c@{OUTSIDE} mailto:a@{OUTSIDE} xmpp:a@{OUTSIDE}",
    "**bold** __bold__ *em* _em_ ~~struck~~ ~struck~ `code` ```code``` ^up^ ==mark==",
    r"$x^2$ $$y_2$$ \(z\) \frac \\",
    ":smile: :+1: :red[red] :blue-badge[badge] :small[s] :help[h] ::note :::note",
    ":material/home: :material_home: :streamlit:",
    "a -> b <- c <-> d -- e >= f <= g ~= h ->",
    "# heading",
    "- item",
    "* item",
    "+ item",
    "1. item",
    "2) item",
    "> quote",
    "---",
    "| a | b |",
    "[^1] [ ] [x]",
    "ordinary: S102T1_frame_00000001.jpeg (3 of 4), 12:30, 50 % & more! -5 1.5",
]
SCRIPT = """
import json, sys
import streamlit as st
from pages.components.words import plain_text
for text in json.loads(sys.argv[1]):
    st.markdown(plain_text(text))
    st.info(f"**{plain_text(text)}** after")
    st.table({"text": [plain_text(text)]})
    st.button(plain_text(text))
"""

VIEWS = {
    "Overview": "text=Boxes by label",
    "Groups": "text=zcohort",
    "Boxes": "text=Boxes per frame",
    "Tools": "text=Fraction of running trials that show each label",
    "Coaching": "text=There was no control group.",
    "Frames": ".stImage",
    "Trials": ".stDataFrame",
    "Missing": "text=Missing data",
    "Leaks": "text=Never used as inputs",
    "Agreement": "text=Differences",
    "Problems": ".stTable td",
    "About": "text=Licence and citation",
}
"""The views of the Dataset page, and by what each is known to be there."""
MARKERS = ("evilbold", "evilcode", "evilred", "evilhtml", "eviltex", "evillink", "rocket_launch")
"""Parts of a hostile text that stand in an element of their own once they are interpreted."""
# Components draw in trees of their own, which queries of the document do not reach.
TREES = "[document, ...[...document.querySelectorAll('*')].flatMap(element => element.shadowRoot ?? [])]"
INTERPRETED = (
    f"([markers, outside]) => {{ const trees = {TREES};"
    + """ return [
    ...trees.flatMap(tree => [...tree.querySelectorAll('*')]).filter(
        element => markers.includes(element.textContent.toLowerCase().replaceAll('\\u2060', '').trim())),
    ...trees.flatMap(tree => [
        ...tree.querySelectorAll(`a[href*="${outside}"], a[href^="javascript:"], [src*="${outside}"], .katex`)]),
    ...(document.body.innerText.includes('😄') ? [document.body] : []),
].map(element => element.outerHTML.slice(0, 300)) }"""
)
TEXT = f"""() => [document.body, ...{TREES}.slice(1).flatMap(tree => [...tree.children])]
    .map(part => part.innerText ?? '').join('\\n')"""


def hostile(tag: str) -> str:
    """A text with everything that a page could interpret; `tag` tells where it comes from."""
    return (
        f"{tag}![i](https://{OUTSIDE}/{tag}) [evillink](javascript:alert(1)) <b>evilhtml</b> $eviltex$ :red[evilred] "
        f"**evilbold** `evilcode` :material/rocket_launch: :smile: www.{OUTSIDE} https://{OUTSIDE}"
    )


def hostile_name(tag: str) -> str:
    """The same as the name of a file."""
    return f"{tag}![i](https:{OUTSIDE})<b>evilhtml<b>$eviltex$:red[evilred]**evilbold**`evilcode`:smile:www.{OUTSIDE}"


def write_hostile_folder(root: Path) -> Path:
    """A data folder of twelve trials with hostile names, ids and labels, and with faults whose messages cite them."""
    images = root / layout.IMAGES_DIR
    images.mkdir(parents=True)
    mapping: list[list[object]] = []
    boxes: list[list[object]] = [[hostile_name("zmissing") + ".jpeg", 1, 1, 5, 5, "grasper"]]
    outcomes: list[list[object]] = [[hostile("ztrial"), "x", 1, 1, 1, 1, 1, hostile("zsuccess"), 1, 1, 1]]
    for surgeon in range(6):
        for number in (1, 2):
            trial, success = f"S{surgeon}T{number}", (surgeon + number) % 2
            outcomes.append([trial, hostile(f"zsurgeon{surgeon}"), 10, 1, 20, success, 100, success, 300, 64, 48])
            for second in range(4):
                name = f"{hostile_name('zframe')} {trial} {second}.jpeg"
                picture = Image.new("RGB", (64, 48), (60 + 90 * success, 100, 20 * second))
                picture.save(images / name, "JPEG")
                mapping.append([name, trial, second + 1])
                boxes.append([name, 5, 5, 30, 30, hostile("zlabel") if second % 2 else "grasper"])
            (images / name).write_bytes(b"no picture")
    (root / "annotations").mkdir()
    write_json(root / "annotations" / "instances.json", in_coco([str(name) for name, *_ in mapping]))
    boxes.append([mapping[0][0], hostile("zcorner"), 1, 5, 5, "grasper"])
    write_csv(root / layout.BOXES_FILE, boxes)
    write_csv(root / layout.MAPPING_FILE, mapping, layout.MAPPING_COLUMNS)
    write_csv(root / layout.OUTCOMES_FILE, outcomes, layout.OUTCOME_COLUMNS)
    write_csv(
        root / layout.DEMOGRAPHICS_FILE,
        [[hostile(f"zsurgeon{s}"), hostile("zcohort") if s % 2 else "USC", "ENT", "Trainee"] for s in range(6)],
        ("participant_id", "cohort", "specialty", "training_status"),
    )
    return root


def in_coco(names: list[str]) -> dict[str, Any]:
    """The same boxes in a second format, with another label, for the view on agreement."""
    return {
        "images": [{"id": i, "file_name": name, "width": 64, "height": 48} for i, name in enumerate(names, start=1)],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": [5, 5, 25, 25], "area": 625, "iscrowd": 0}
            for i in range(1, len(names) + 1)
        ],
        "categories": [{"id": 1, "name": hostile("zother")}],
    }


def write_hostile_runs(root: Path, data: Path) -> None:
    """A run that is done and one that failed, both as hostile as somebody else's run can be."""
    done = write_run(root / "run-done", data)
    metrics = json.loads(done.metrics_file.read_text(encoding="utf-8"))
    metrics["model"]["text"] = hostile("zmodel")
    metrics["window"] = hostile("zwindow")
    metrics["stand_ins"] = [hostile("zstandin")]
    metrics["left_out"] = [{"trial_id": hostile("zleftout"), "reason": hostile("zreason")}]
    metrics["controls"][0] |= {"name": hostile("zcontrol"), "description": hostile("zdescription")}
    write_json(done.metrics_file, metrics)
    failed = write_run(root / "run-failed", data, RunState.FAILED, split_method="random")
    write_status(failed, RunState.FAILED, hostile("zending"))
    (failed.path / "worker.log").write_text(hostile("zlog") + "\n", encoding="utf-8")
    EventLog(failed.events_file).append("notice", message=hostile("znotice"))
    for run in (done, failed):
        name = f"zname **evilbold** www.{OUTSIDE} :smile: $eviltex$"
        write_notes(run, RunNotes(name, hostile("znote"), ("**evilbold**",)))
    (root / hostile_name("zrun")).mkdir()
    RunFolder(root / hostile_name("zrun")).events_file.write_text("")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose data and runs are hostile, and change in no test."""
    folder = tmp_path_factory.mktemp("hostile")
    data = write_hostile_folder(folder / hostile_name("zfolder"))
    with servers_in(folder) as start:
        server = start(data)
        write_hostile_runs(server.workspace / "runs", data)
        yield server


def check(tab: Page, seen: set[str]) -> None:
    """Assert that nothing on the page is interpreted, and note the tags of the hostile texts that it shows."""
    settled(tab)
    assert tab.get_by_test_id("stException").count() == 0
    assert tab.evaluate(INTERPRETED, [MARKERS, OUTSIDE]) == []
    seen |= set(re.findall(r"\bz[a-z]+", tab.evaluate(TEXT)))


def check_open(tab: Page, seen: set[str], name: str) -> None:
    """Check a list that a drop-down opens."""
    choice = tab.get_by_role("combobox", name=name, exact=True)
    # A list that opens at the edge of the window is closed again when the page scrolls.
    choice.evaluate("element => element.scrollIntoView({block: 'center'})")
    choice.click()
    expect(tab.get_by_role("option").first).to_be_visible()
    check(tab, seen)
    tab.keyboard.press("Escape")


def test_plain_text_is_shown_as_it_is(start_server: StartServer, open_tab: OpenTab, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    tab = open_tab()
    tab.goto(start_server(json.dumps(TEXTS), script=script).url)
    for place in (".stButton", ".stTable td"):  # the code of tables is loaded when the first one is drawn
        expect(tab.locator(place)).to_have_count(len(TEXTS))
    settled(tab)
    shown = {
        place: [text.replace("\u2060", "").strip() for text in tab.locator(place).all_inner_texts()]
        for place in (".stMarkdown", ".stAlert", ".stTable td", ".stButton")
    }
    assert shown[".stMarkdown"] == shown[".stTable td"] == shown[".stButton"] == TEXTS
    assert shown[".stAlert"] == [f"{text} after" for text in TEXTS]
    tags = tab.evaluate(
        "[...document.querySelectorAll('[data-testid=stMarkdownContainer] *')].map(element => element.tagName)"
    )
    assert set(tags) == {"P", "STRONG"}
    assert tags.count("STRONG") == len(TEXTS)


@pytest.mark.slow
def test_the_dataset_page_interprets_nothing(server: Server, open_tab: OpenTab) -> None:
    seen: set[str] = set()
    tab = open_tab()
    tab.goto(f"{server.url}/dataset")
    expect(tab.get_by_role("radio", name="Overview", exact=True)).to_be_visible()
    check(tab, seen)
    for view, sign in VIEWS.items():
        tab.get_by_role("radio", name=view, exact=True).click()
        expect(tab.locator(sign).first).to_be_visible()
        check(tab, seen)
        if view in {"Boxes", "Tools"}:
            check_open(tab, seen, "Tool")
    tab.get_by_text("Choose trials").first.click()
    tab.get_by_test_id("stMetric").first.element_handle().wait_for_element_state("stable")
    check_open(tab, seen, "Boxes of")
    tab.get_by_role("combobox", name="Surgeon").press("ArrowDown")
    tab.get_by_role("option").last.click()
    tab.keyboard.press("Escape")
    expect(tab.get_by_text("Chosen: ")).to_be_visible()
    check(tab, seen)
    tab.get_by_test_id("stSidebar").get_by_text("zfolder").hover()
    tab.get_by_text("Change data set").click()
    tab.get_by_label("Data folder", exact=True).fill(f"/{hostile('ztyped')}")
    tab.get_by_role("button", name="Open folder").click()
    expect(tab.get_by_text("there is no such folder")).to_be_visible()
    check(tab, seen)
    wanted = {"zfolder", "zframe", "zmissing", "zcorner", "zlabel", "zsurgeon", "zcohort", "ztyped", "zsuccess"}
    assert wanted - seen == set()


@pytest.mark.slow
def test_pages_of_runs_interpret_nothing(server: Server, open_tab: OpenTab) -> None:
    seen: set[str] = set()
    tab = open_tab()
    tab.goto(server.url)
    expect(tab.get_by_text("Newest runs")).to_be_visible()
    check(tab, seen)
    go(tab, "Training")
    expect(tab.get_by_text("All runs", exact=True)).to_be_visible()
    for toggle, sign in (
        ("Look for leaks in this split", "Never used as inputs"),
        ("Clip cache", "Everything in the cache"),
        ("Show what the model sees", "Try again"),
    ):
        tab.get_by_text(toggle, exact=True).click()
        expect(tab.get_by_text(sign)).to_be_visible(timeout=WORK_MS)
        check(tab, seen)
    for run in ("run-failed", "run-done"):
        tab.goto(f"{server.url}/training?run={run}")
        expect(tab.get_by_text("All runs", exact=True)).to_be_visible()
        if run == "run-failed":
            for expander, text in (("Last lines of the log", "zlog"), ("Notices (", "znotice")):
                tab.get_by_text(expander).click()
                expect(tab.get_by_text(text)).to_be_visible()
        check(tab, seen)
        go(tab, "Evaluation")
        # A table is drawn after the page: its code is loaded when it is first needed.
        if run == "run-done":
            expect(tab.get_by_role("rowheader", name="zleftout")).to_be_visible()
        check(tab, seen)
        check_open(tab, seen, "Run")
        go(tab, "Trial viewer")
        check(tab, seen)
    tab.get_by_role("button", name="Select 10 random trials").click()
    expect(tab.get_by_text("Frame 1 of 4")).to_be_visible()
    check(tab, seen)
    tab.get_by_role("slider", name="Frame").press("End")
    expect(tab.get_by_text("This frame cannot be shown.")).to_be_visible()
    check(tab, seen)
    assert seen >= {
        *("zname", "zmodel", "zwindow", "zstandin", "zleftout", "zreason", "zcontrol", "zdescription", "zending"),
        *("zlog", "znotice", "zframe", "zrun"),
    }
