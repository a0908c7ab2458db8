"""The player of the Trial viewer: what only a browser does, by keys alone where a person could."""

import io
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from socal_core.dataset import layout
from tests.browser.conftest import PATIENCE_MS, OpenTab, Server, servers_in
from tests.browser.test_app import settled
from tests.factories import write_csv, write_dataset
from tests.made_runs import write_run

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE_MS)

FRAMES = 40
LABELS = ("<script>alert(1)</script>", "\"'`&amp;", "🔧🩸", "x" * 300, "רקמה \u202eabc")
SIZE = (640, 360)
SQUARE = (300, 160, 330, 190)


def write_square(path: Path, size: tuple[int, int] = SIZE) -> None:
    """A grey frame with a white square."""
    scale = size[0] // SIZE[0]
    pixels = np.full((size[1], size[0], 3), 60, np.uint8)
    left, top, right, bottom = (corner * scale for corner in SQUARE)
    pixels[top:bottom, left:right] = 255
    Image.fromarray(pixels).save(path, quality=95)


@pytest.fixture(scope="module")
def folder_of_trials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trials with a planted square, a broken frame, frames of another size, hostile labels, and without boxes."""
    root = write_dataset(tmp_path_factory.mktemp("player") / "data", surgeons=4, frames=FRAMES, size=SIZE)
    images = root / layout.IMAGES_DIR
    for number in range(1, FRAMES + 1):
        write_square(images / f"S100T1_frame_{number:08d}.jpeg")
    (images / "S100T2_frame_00000005.jpeg").write_bytes(b"no image")
    write_square(images / "S101T1_frame_00000003.jpeg", (1920, 1080))
    rows = [[f"S100T1_frame_{number:08d}.jpeg", *SQUARE, "suction"] for number in range(3, FRAMES + 1)]
    rows += [[f"S100T1_frame_{number:08d}.jpeg", 20, 20, 60, 60, "muscle"] for number in range(10, 20)]
    rows += [[f"S100T2_frame_{number:08d}.jpeg", *SQUARE, "suction"] for number in range(1, FRAMES + 1)]
    write_square(images / "S101T1_frame_00000004.jpeg")
    rows += [["S101T1_frame_00000004.jpeg", *SQUARE, "suction"]]
    rows += [["S101T1_frame_00000003.jpeg", *(3 * corner for corner in SQUARE), "suction"]]
    rows += [[f"S101T2_frame_{1:08d}.jpeg", 10 * n, 40 * n, 100, 40 * n + 30, label] for n, label in enumerate(LABELS)]
    write_csv(root / layout.BOXES_FILE, rows)
    outcomes = (root / layout.OUTCOMES_FILE).read_text().replace(",64,48", f",{SIZE[0]},{SIZE[1]}")
    (root / layout.OUTCOMES_FILE).write_text(outcomes)
    return root


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, folder_of_trials: Path) -> Iterator[Server]:
    with servers_in(tmp_path_factory.mktemp("player-server")) as start:
        server = start(folder_of_trials)
        write_run(server.workspace / "runs" / "run-1", folder_of_trials, window="0:20")
        yield server


def open_trial(tab: Page, server: Server, query: str) -> Locator:
    """Open the address of a trial, and wait for its first frame."""
    tab.goto(f"{server.url}/trial_viewer?{query}")
    tab.locator(".player[data-frame]").wait_for()
    settled(tab)
    return tab.locator(".player")


def shows(player: Locator, frame: int) -> None:
    expect(player).to_have_attribute("data-frame", str(frame))


def query_of(tab: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(tab.url).query)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_trial_is_viewed_with_keys_alone(server: Server, open_tab: OpenTab, width: int) -> None:
    tab = open_tab()
    tab.set_viewport_size({"width": width, "height": 900})
    sent: list[object] = []
    tab.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    player = open_trial(tab, server, "run=run-1&trial=S100T1")
    shows(player, 3)
    expect(tab.get_by_text("Frames before frame 3 have no boxes, so the player opens there.")).to_be_visible()
    tab.wait_for_url("**&t=2")
    before = len(sent)
    for key, frame in (
        ("ArrowRight", 4), ("ArrowLeft", 3), ("Shift+ArrowRight", 13), ("End", FRAMES), ("Home", 1), ("ArrowRight", 2)
    ):  # fmt: skip
        tab.keyboard.press(key)
        shows(player, frame)
    expect(tab.get_by_text("Frame 2 of 40 · second 1 · S100T1_frame_00000002.jpeg")).to_be_visible()
    tab.wait_for_url("**&t=1")
    tab.get_by_label("Frames per second").select_option("10")
    tab.locator(".picture").focus()
    tab.keyboard.press(" ")
    expect(tab.get_by_role("button", name="Pause")).to_be_visible()
    tab.wait_for_function(
        "() => document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot"
        ".querySelector('.player').dataset.frame > 12"
    )
    tab.keyboard.press(" ")
    expect(tab.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert len(sent) == before, "playing and stepping ask the server for frames only"
    assert query_of(tab) | {"t": []} == {"run": ["run-1"], "trial": ["S100T1"], "t": []}
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.get_by_role("slider", name="Frame").focus()
    tab.keyboard.press("n")
    expect(player).to_have_attribute("data-trial", "S100T2")
    shows(player, 1)
    tab.wait_for_url("**trial=S100T2**")


@pytest.mark.slow
def test_the_address_opens_a_run_a_trial_and_a_second(server: Server, open_tab: OpenTab) -> None:
    tab = open_tab()
    for _ in range(2):
        player = open_trial(tab, server, "run=none&trial=S101T2&t=17")
        shows(player, 18)
        expect(tab.get_by_text("Choose a run to see its prediction.")).to_be_visible()
        expect(tab.locator(".hint")).to_have_text("")
        tab.reload()
    for nonsense in ("t=x", "t=-5", "t="):
        shows(open_trial(tab, server, f"trial=S100T1&{nonsense}"), 3)
    shows(open_trial(tab, server, "trial=S100T1&t=1e9"), FRAMES)


@pytest.mark.slow
def test_the_table_and_the_boxes_follow_the_frame(server: Server, open_tab: OpenTab) -> None:
    tab = open_tab()
    player = open_trial(tab, server, "trial=S100T1&t=9")
    rows = player.locator("tbody tr")
    expect(rows).to_have_count(2)
    muscle = rows.filter(has_text="muscle")
    cells = ["1,600", "0.69", "20, 20, 60, 60", "0", "tracker of the app"]
    expect(muscle.get_by_role("cell")).to_have_text(["2", "muscle", *cells])
    tab.keyboard.press("ArrowRight")
    shows(player, 11)
    expect(muscle.get_by_role("cell").nth(5)).to_have_text("1")
    expect(tab.locator(".picture")).to_have_attribute("aria-label", "Frame 11, boxes: muscle #2, suction #1")
    tab.get_by_role("checkbox", name="muscle").uncheck()
    expect(tab.locator(".picture")).to_have_attribute("aria-label", "Frame 11, boxes: suction #1")
    tab.get_by_role("slider", name="Frame").focus()
    tab.keyboard.press("Home")
    shows(player, 1)
    expect(rows).to_have_text(["This frame has no boxes."])


@pytest.mark.slow
def test_a_click_on_the_timeline_goes_there(server: Server, open_tab: OpenTab) -> None:
    tab = open_tab()
    player = open_trial(tab, server, "trial=S100T1&t=0")
    lanes = tab.locator(".lanes canvas")
    expect(lanes).to_have_attribute(
        "aria-label", "Timeline: 2 tracks; First muscle at 9 s; Haemostasis at 100 s. Click to go to a time."
    )
    width = lanes.bounding_box()["width"]
    lanes.click(position={"x": width - 1, "y": 60})
    shows(player, FRAMES)


@pytest.mark.slow
def test_a_broken_frame_is_named_and_the_player_goes_on(server: Server, open_tab: OpenTab) -> None:
    tab = open_tab()
    player = open_trial(tab, server, "trial=S100T2&t=3")
    tab.keyboard.press("ArrowRight")
    shows(player, 5)
    expect(tab.locator(".problem")).to_have_text(
        "This frame cannot be shown. Frame S100T2_frame_00000005.jpeg cannot be read: "
        "it is no JPEG, PNG, BMP, TIFF or WebP image."
    )
    expect(player.locator("tbody tr")).to_have_count(1)
    tab.keyboard.press("ArrowRight")
    shows(player, 6)
    expect(tab.locator(".problem")).to_be_hidden()


@pytest.mark.slow
def test_labels_are_text(server: Server, open_tab: OpenTab) -> None:
    tab = open_tab()
    player = open_trial(tab, server, "trial=S101T2&t=0")
    expect(player.locator("tbody tr")).to_have_count(len(LABELS))
    shown = player.locator("td bdi").all_text_contents()
    assert {"<script>alert(1)</script>", "\"'`&amp;", "🔧🩸", "x" * 300} <= set(shown)
    assert player.locator("script, img, b, a").count() == 0
    assert player.evaluate("element => element.scrollWidth <= element.clientWidth")


def grey(canvas: Locator) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("L"), float)


@pytest.mark.slow
@pytest.mark.parametrize("query", ["trial=S100T1&t=5", "trial=S101T1&t=2", "trial=S101T1&t=3"])
def test_a_box_is_where_the_picture_has_its_tool(server: Server, open_tab: OpenTab, query: str) -> None:
    """A planted square, in a frame of the usual size and in a larger one of the same trial, zoomed and not."""
    tab = open_tab()
    open_trial(tab, server, query)
    canvas = tab.locator(".picture")
    for presses in (0, 3):
        for _ in range(presses):
            tab.keyboard.press("+")
        tab.wait_for_timeout(400)
        drawn = grey(canvas)
        tab.get_by_role("checkbox", name="suction").uncheck()
        tab.wait_for_timeout(100)
        bare = grey(canvas)
        tab.get_by_role("checkbox", name="suction").check()
        row = slice(bare.shape[0] // 2 - 2, bare.shape[0] // 2 + 3)
        white = np.flatnonzero(bare[row].mean(0) > 160)
        changed = np.flatnonzero(np.abs(drawn - bare)[row].mean(0) > 8)
        for edge in (white[0], white[-1] + 1):
            near = changed[np.abs(changed - edge) < 8]
            assert abs((near[0] + near[-1] + 1) / 2 - edge) <= 1


@pytest.mark.slow
def test_events_are_marked_by_keys_and_by_hand_and_lead_back(server: Server, open_tab: OpenTab) -> None:
    tab = open_tab()
    player = open_trial(tab, server, "trial=S102T1&t=5")
    tab.keyboard.press("m")
    tab.keyboard.press("o")
    tab.keyboard.press("Shift+ArrowRight")
    shows(player, 16)
    tab.keyboard.press("o")
    events = player.locator(".events li")
    expect(events).to_have_text(["5 s First muscle", "5 to 15 s Out of view"])
    for text in LABELS[:3]:
        player.get_by_label("Event or note").fill(text)
        player.get_by_label("Tags").fill(f"{text}, mop b o")
        player.get_by_role("button", name="Add").click()
    expect(events).to_have_count(5)
    assert {"<script>alert(1)</script>", "\"'`&amp;", "🔧🩸", "mop b o"} <= set(
        player.locator(".events bdi").all_text_contents()
    )
    assert player.locator(".events").locator("script, img, b, a").count() == 0
    shows(player, 16)
    player.get_by_role("button", name="5 s First muscle").click()
    shows(player, 6)
    tab.reload()
    expect(events).to_have_count(5)
    assert player.evaluate("element => element.scrollWidth <= element.clientWidth")


@pytest.mark.slow
def test_two_trials_share_one_time(server: Server, open_tab: OpenTab) -> None:
    tab = open_tab()
    open_trial(tab, server, "trial=S101T1&t=7")
    tab.get_by_text("Beside trial S101T2 of the same surgeon").click()
    players = tab.locator(".player[data-frame]")
    expect(players).to_have_count(2)
    other = tab.locator(".player[data-trial=S101T2]")
    shows(other, 8)
    tab.locator(".player[data-trial=S101T1] .picture").focus()
    tab.keyboard.press("ArrowRight")
    for each in (players.nth(0), players.nth(1)):
        shows(each, 9)
    expect(other.get_by_role("button", name="Play")).to_be_hidden()
    lanes = other.locator(".lanes canvas")
    lanes.click(position={"x": lanes.bounding_box()["width"] - 1, "y": 60})
    for each in (players.nth(0), players.nth(1)):
        shows(each, FRAMES)
