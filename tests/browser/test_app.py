"""What only a real browser shows: addresses, live curves, what survives a reload or a change of page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from socal_core.dataset import layout
from socal_core.lifecycle.state import RunState, read_status
from socal_core.runs.run_list import list_runs
from tests.browser.conftest import PATIENCE_MS, WORK_MS, OpenTab, Server, StartServer, servers_in
from tests.factories import enlarge_frames, write_dataset
from tests.made_runs import write_run

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE_MS)

MENU = ["Overview", "Dataset", "Training", "Evaluation", "Trial viewer", "Guide"]
ADDRESSES = dict(zip(MENU, ("", "dataset", "training", "evaluation", "trial_viewer", "guide"), strict=True))
WAY_IN = "Will the bleeding be stopped?"


@pytest.fixture
def server(start_server: StartServer, shared_data_folder: Path) -> Server:
    return start_server(shared_data_folder)


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> Iterator[Server]:
    """One server for tests that leave nothing behind in its workspace."""
    with servers_in(tmp_path_factory.mktemp("shared-server")) as start:
        yield start(shared_data_folder)


# Counts how many pictures in a row Chromium paints without a curve in the first chart. Streamlit replaces a chart
# whose data has changed; a single picture between the two cannot be seen.
WATCH_FOR_FLICKER = """() => {
    window.longestBlank = 0;
    let blank = 0;
    const look = () => {
        const chart = [...document.querySelectorAll('.js-plotly-plot')].find(chart => chart.offsetHeight > 0);
        blank = chart?.querySelector('.scatterlayer .trace') ? 0 : blank + 1;
        window.longestBlank = Math.max(window.longestBlank, blank);
        requestAnimationFrame(look);
    };
    look();
}"""
UNSEEN_PICTURES = 2


def go(tab: Page, label: str) -> None:
    """Follow a link of the menu and wait for its page."""
    tab.get_by_test_id("stSidebar").get_by_role("link", name=label, exact=True).click()
    is_on(tab, label)
    settled(tab)


def is_on(tab: Page, label: str) -> None:
    """Wait for the heading of a page of the menu."""
    expect(tab.get_by_role("heading", level=1)).to_have_text(WAY_IN if label == "Overview" else label)


def settled(tab: Page) -> None:
    """Wait until the page is drawn to its end, pictures included.

    The page allows no eval, with which Playwright repeats an expression; it calls a function.
    """
    expect(tab.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    tab.wait_for_function("() => [...document.images].every(image => image.complete)")


def set_number(tab: Page, label: str, value: str) -> None:
    box = tab.get_by_label(label, exact=True)
    box.fill(value)
    box.press("Enter")
    settled(tab)


def choose_fine_tuning(tab: Page) -> None:
    """Have the form of the Training page ask for the settings of fine-tuning."""
    # A list that opens while the page is drawn is closed again.
    expect(tab.get_by_role("button", name="Start training")).to_be_visible()
    settled(tab)
    choice = tab.get_by_role("combobox", name="Recipe")
    # A list that opens at the edge of the window is closed again when the form scrolls.
    choice.evaluate("element => element.scrollIntoView({block: 'center'})")
    choice.click()
    tab.get_by_role("option", name="Fine-tuning", exact=True).click()
    expect(tab.get_by_label("Learning rate", exact=True)).to_be_visible()
    settled(tab)


def start_training(tab: Page, epochs: int) -> None:
    choose_fine_tuning(tab)
    set_number(tab, "Number of epochs", str(epochs))
    tab.get_by_role("button", name="Start training").click()
    expect(tab.get_by_role("button", name="Stop", exact=True)).to_be_visible()


def wait_for_points(tab: Page, curve: str, count: int) -> None:
    """Wait until a curve of a chart has some points."""
    tab.wait_for_function(
        """([curve, count]) => [...document.querySelectorAll('.js-plotly-plot')]
            .flatMap(chart => chart.calcdata ?? [])
            .some(points => points[0].trace.name === curve && points[0].x > 0 && points.length >= count)""",
        arg=[curve, count],
        timeout=WORK_MS,
    )


@pytest.mark.slow
@pytest.mark.parametrize("label", MENU)
def test_each_address_opens_first_on_a_fresh_server_with_our_menu(
    server: Server, open_tab: OpenTab, label: str
) -> None:
    tab = open_tab()
    for visit in (lambda: tab.goto(f"{server.url}/{ADDRESSES[label]}"), tab.reload):
        visit()
        is_on(tab, label)
        expect(tab.get_by_test_id("stSidebar").get_by_role("link").get_by_role("paragraph")).to_have_text(MENU)
        expect(tab.get_by_test_id("stSidebarNav")).to_have_count(0)
        settled(tab)
        expect(tab.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.slow
def test_two_first_visitors_share_one_drawing_of_the_demo(start_server: StartServer, open_tab: OpenTab) -> None:
    server = start_server(demo_surgeons=12)  # enough for both tabs to see that it is generated
    tabs = [open_tab(), open_tab()]
    for tab in tabs:
        tab.goto(server.url)
    for tab in tabs:
        expect(tab.get_by_text("Generating the demo data set")).to_be_visible()
    for tab in tabs:
        expect(tab.get_by_test_id("stMetric").filter(has_text="Trials")).to_contain_text("24", timeout=WORK_MS)
    assert (server.workspace / "jobs/demo/log").read_text().count("Wrote the demo data set") == 1


@pytest.mark.slow
def test_a_run_from_start_to_prediction(server: Server, open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto(f"{server.url}/training")
    start_training(tab, epochs=2)
    wait_for_points(tab, "Validation", 1)
    # Nobody touches the page: it comes to its final state by itself.
    expect(tab.get_by_text("Training and testing are done.")).to_be_visible(timeout=WORK_MS)
    expect(tab.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    (run,) = list_runs(server.workspace / "runs")
    assert read_status(run).state is RunState.DONE

    go(tab, "Evaluation")
    accuracy = run.read_metrics()["accuracy"]
    expect(tab.get_by_test_id("stMetric").filter(has_text="Accuracy").first).to_contain_text(f"{accuracy:.2f}")
    expect(tab.locator(".js-plotly-plot")).not_to_have_count(0)

    go(tab, "Trial viewer")
    tab.get_by_role("button", name="Select 10 random trials").click()
    expect(tab.get_by_role("button", name="All trials")).to_be_visible()
    settled(tab)
    tab.get_by_role("combobox", name="Trial", exact=True).click()
    options = tab.get_by_role("listbox").get_by_role("option")  # not those of the player
    expect(options).to_have_count(10)
    trial = options.last.inner_text()
    options.last.click()
    expect(tab.get_by_text(f"Frame 1 of 12 · second 0 · {trial}_frame_00000001.jpeg")).to_be_visible()
    expect(tab.get_by_text("Probability of success: ")).to_be_visible()
    tab.get_by_role("slider", name="Frame").press("ArrowRight")
    expect(tab.get_by_text(f"Frame 2 of 12 · second 1 · {trial}_frame_00000002.jpeg")).to_be_visible()


@pytest.mark.slow
def test_the_default_run_shows_its_folds_and_its_results(
    start_server: StartServer, open_tab: OpenTab, tmp_path: Path
) -> None:
    server = start_server(write_dataset(tmp_path / "data", surgeons=6, frames=4))
    tab = open_tab()
    tab.goto(f"{server.url}/training")
    tab.get_by_role("button", name="Start training").click()
    expect(tab.get_by_text("Training and testing are done.")).to_be_visible(timeout=WORK_MS)
    # A chart that is replaced is there twice for a moment.
    expect(tab.get_by_text("Inner folds of the training trials").first).to_be_visible()
    expect(tab.get_by_text("Candidates in the inner cross-validation").first).to_be_visible()
    expect(tab.get_by_text("logistic regressions, those that beat chance")).to_be_visible()
    go(tab, "Evaluation")
    expect(tab.get_by_text("logistic regressions on frozen features of")).to_be_visible()
    expect(tab.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.slow
def test_a_run_goes_on_while_pages_change_and_can_be_stopped(
    start_server: StartServer, open_tab: OpenTab, folder: Path
) -> None:
    server = start_server(folder)
    tab = open_tab()
    tab.goto(f"{server.url}/training")
    start_training(tab, epochs=200)
    wait_for_points(tab, "Validation", 1)
    tab.evaluate(WATCH_FOR_FLICKER)
    wait_for_points(tab, "Validation", 4)
    assert tab.evaluate("window.longestBlank") <= UNSEEN_PICTURES

    for label in ("Overview", "Dataset", "Evaluation", "Trial viewer", "Training"):
        go(tab, label)
        expect(tab.get_by_test_id("stException")).to_have_count(0)
    other = open_tab()
    other.goto(f"{server.url}/training")
    tab.reload()
    for page in (tab, other):
        expect(page.get_by_text(re.compile(r"Epoch \d+ of 200"))).to_be_visible()
        wait_for_points(page, "Validation", 4)

    tab.get_by_role("button", name="Stop", exact=True).click()
    for page in (tab, other):
        expect(page.get_by_text("Stopped by the user. It can be resumed.")).to_be_visible(timeout=WORK_MS)
        expect(page.get_by_role("button", name="Resume")).to_be_visible()
    (run,) = list_runs(server.workspace / "runs")
    assert read_status(run).state is RunState.STOPPED

    other.get_by_role("button", name="Resume").click()
    expect(other.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    assert read_status(run).state.alive


@pytest.mark.slow
def test_settings_survive_other_pages(shared_server: Server, open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto(f"{shared_server.url}/training")
    choose_fine_tuning(tab)
    set_number(tab, "Learning rate", "0.0003")
    set_number(tab, "Number of epochs", "7")
    tab.get_by_test_id("stRadioGroup").get_by_text("Whole trial").click()
    expect(tab.get_by_text("Recognition, not prediction.")).to_be_visible()
    go(tab, "Dataset")
    go(tab, "Training")
    expect(tab.get_by_label("Learning rate", exact=True)).to_have_value("3.0e-4")
    expect(tab.get_by_label("Number of epochs", exact=True)).to_have_value("7")
    expect(tab.get_by_text("Recognition, not prediction.")).to_be_visible()


def test_the_chosen_run_is_in_the_address(server: Server, open_tab: OpenTab, shared_data_folder: Path) -> None:
    for name in ("run-1", "run-2"):
        write_run(server.workspace / "runs" / name, shared_data_folder)
    tab = open_tab()
    tab.goto(f"{server.url}/training?run=run-1")
    expect(tab.get_by_role("combobox", name="Run")).to_have_value("run-1")
    go(tab, "Evaluation")
    expect(tab.get_by_role("combobox", name="Run")).to_have_value("run-1")
    tab.reload()
    expect(tab.get_by_role("combobox", name="Run")).to_have_value("run-1")


@pytest.mark.slow
def test_another_data_folder_is_kept_over_a_reload(server: Server, open_tab: OpenTab, tmp_path: Path) -> None:
    other = write_dataset(tmp_path / "another", surgeons=4, frames=3)
    tab = open_tab()
    tab.goto(f"{server.url}/dataset")
    tab.get_by_text("Change data set").click()
    tab.get_by_label("Data folder", exact=True).fill(str(other / "nowhere"))
    tab.get_by_role("button", name="Open folder").click()
    expect(tab.get_by_text("there is no such folder")).to_be_visible()
    tab.get_by_label("Data folder", exact=True).fill(str(other))
    tab.get_by_role("button", name="Open folder").click()
    for _ in range(2):
        expect(tab.get_by_test_id("stMetric").filter(has_text="Trials")).to_contain_text("8")
        tab.reload()


def numbers(tab: Page) -> list[str]:
    """The values of the tiles, once they are there."""
    expect(tab.get_by_test_id("stMetricValue").nth(3)).to_be_visible()
    settled(tab)
    return tab.get_by_test_id("stMetricValue").all_inner_texts()


@pytest.mark.slow
def test_chosen_trials_and_the_view_outlive_a_change_of_page(shared_server: Server, open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto(f"{shared_server.url}/dataset")
    whole = numbers(tab)
    tab.get_by_text("Choose trials").first.click()
    # A list that opens while the part above the numbers still unfolds is closed again.
    tab.get_by_test_id("stMetric").first.element_handle().wait_for_element_state("stable")
    tab.get_by_role("combobox", name="Outcome").press("ArrowDown")
    tab.get_by_role("option", name="Success").click()
    tab.keyboard.press("Escape")
    expect(tab.get_by_test_id("stMetricValue").nth(3)).to_have_text("100%")
    tab.get_by_role("radio", name="Boxes", exact=True).click()
    expect(tab.get_by_text("Boxes per frame").first).to_be_visible()
    chosen = numbers(tab)
    go(tab, "Training")
    go(tab, "Dataset")
    assert numbers(tab) == chosen
    expect(tab.get_by_text("Boxes per frame").first).to_be_visible()
    tab.get_by_role("button", name="Show all trials").click()
    expect(tab.get_by_test_id("stMetricValue").nth(3)).to_have_text(whole[3])
    assert numbers(tab) == whole


def show_problems(tab: Page, server: Server) -> None:
    tab.goto(f"{server.url}/dataset")
    tab.get_by_role("radio", name="Problems", exact=True).click()
    expect(tab.get_by_text("Problems found")).to_be_visible()


@pytest.mark.slow
def test_two_tabs_watch_stop_and_finish_the_check_of_every_frame(
    start_server: StartServer, open_tab: OpenTab, data_folder: Path
) -> None:
    enlarge_frames(data_folder)
    broken = data_folder / layout.IMAGES_DIR / "S103T1_frame_00000005.jpeg"
    broken.unlink()
    broken.write_bytes(b"no image")
    server, first, second = start_server(data_folder), open_tab(), open_tab()
    show_problems(first, server)
    show_problems(second, server)
    first.get_by_role("button", name="Check every frame").click()
    expect(first.get_by_text("Opening frames of data: ")).to_be_visible()
    second.reload()
    second.get_by_role("radio", name="Problems", exact=True).click()
    second.get_by_role("button", name="Stop", exact=True).click()
    for tab in (first, second):
        expect(tab.get_by_text("The last check was stopped.")).to_be_visible()
    first.get_by_role("button", name="Check every frame").click()
    expect(first.get_by_text("Opening frames of data: ")).to_be_visible()
    go(first, "Overview")
    go(first, "Dataset")
    for _ in range(2):
        expect(first.get_by_role("button", name="Check again")).to_be_visible(timeout=WORK_MS)
        expect(first.get_by_text(f"{layout.IMAGES_DIR}/{broken.name}", exact=True)).to_be_visible()
        show_problems(first, server)
