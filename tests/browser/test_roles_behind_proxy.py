"""Every action and route for every kind of visitor, through nginx with TLS: what docs/access.md promises."""

import base64
import json
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from pages.components.dataset.frame_check import CHECK
from socal_core.access.permissions import Action, may
from socal_core.access.server_config import Role
from socal_core.access.users import User
from socal_core.dataset.filters import TrialFilter
from socal_core.dataset.saved_views import save_view
from socal_core.lifecycle import run_queue
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState
from socal_core.lifecycle.trash import trash
from socal_core.runs.folder import RunFolder
from socal_core.storage import write_json
from tests.browser.conftest import PATIENCE_MS, Server, servers_in
from tests.browser.raw_client import ask, websocket_status
from tests.browser.test_app import settled
from tests.browser.test_proxy_servers import PASSWORD, nginx_in, output_of, wait_for
from tests.made_runs import write_run
from tests.wheel import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=PATIENCE_MS)

ROLES = {"vera": Role.VIEWER, "rosa": Role.RESEARCHER, "ada": Role.ADMIN}
NAMES = (*ROLES, "uma")
"""Who has a password. Uma has no role; the runs, the trash and the job are those of remy, a researcher, and of rosa."""
SECONDS = 30


@dataclass
class Lab:
    """The app behind nginx, with runs of several users."""

    url: str
    server: Server
    users: Path
    """The file of passwords."""

    def let_in(self, *names: str) -> None:
        """Let these users in, and nobody else; nginx reads the file at each request."""
        hashed = output_of("openssl", "passwd", "-apr1", PASSWORD)
        self.users.write_text("".join(f"{name}:{hashed}\n" for name in names))

    def give_roles(self, **roles: str) -> None:
        """Write the roles into server.toml."""
        path = self.server.workspace / "server.toml"
        head = path.read_text().partition("[roles]")[0]
        path.write_text(f"{head}[roles]\n" + "".join(f'{name} = "{role}"\n' for name, role in roles.items()))

    def ask(self, path: str, name: str = "", method: str = "GET") -> tuple[int, str]:
        """Return the status and the text of an answer to a request with a password, through TLS."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = HTTPSConnection(self.url.removeprefix("https://"), timeout=SECONDS, context=context)
        login = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
        try:
            connection.request(method, path, headers={"Authorization": f"Basic {login}"} if name else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode("latin-1")
        finally:
            connection.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> Iterator[Lab]:
    if any(shutil.which(program) is None for program in ("nginx", "openssl")):
        pytest.skip("nginx or openssl is not there: apt-get install nginx openssl")
    port, folder = free_port(), tmp_path_factory.mktemp("proxy")
    settings = f'login = "proxy"\nhosts = ["localhost:{port}"]\n[roles]\n'
    settings += "".join(f'{name} = "{role}"\n' for name, role in {**ROLES, "remy": Role.RESEARCHER}.items())
    with servers_in(folder) as start, pytest.MonkeyPatch.context() as patch:
        server = start(shared_data_folder, server_file=settings)
        patch.setenv("SOCAL_WORKSPACE", str(server.workspace))
        with written_work(server.workspace / "runs", shared_data_folder):
            command = nginx_in(folder, server, port)
            with (folder / "log").open("w") as log:
                process = subprocess.Popen(command, stdout=log, stderr=log, env={"PATH": "/usr/sbin:/usr/bin"})
                try:
                    wait_for(port, process, folder / "log")
                    found = Lab(f"https://localhost:{port}", server, folder / "users")
                    found.let_in(*NAMES)
                    yield found
                finally:
                    process.terminate()
                    process.wait()


@contextmanager
def written_work(root: Path, data: Path) -> Iterator[None]:
    """Have a deleted and a finished run of rosa, a stopped and a waiting one of remy, a job of remy, a view."""
    owners = {"run-0": "rosa", "run-1": "rosa", "run-2": "remy", "run-3": "remy"}
    states = {"run-2": RunState.STOPPED, "run-3": RunState.QUEUED}
    for name, owner in owners.items():
        write_run(root / name, data, states.get(name, RunState.DONE), epochs=2).write_owner(owner)
    trash(RunFolder(root / "run-0"))
    save_view(data, "first trials", TrialFilter(trial_numbers=(1,)))
    CHECK.folder.mkdir(parents=True)
    write_json(CHECK.folder / "owner.json", {"name": "remy"})
    write_json(CHECK.folder / "request.json", {"data": str(data)})
    waiting = RunFolder(root / "run-3")
    locks = [take_lock(waiting.lock_file, waiting.name), take_lock(CHECK.folder / "lock", CHECK.name)]
    run_queue.enter(waiting)
    try:
        yield
    finally:
        for lock in locks:
            os.close(lock)


@contextmanager
def visit(lab: Lab, chromium: Browser, name: str) -> Iterator[Page]:
    """A tab of a visitor with a password."""
    login = {"username": name, "password": PASSWORD}
    context = chromium.new_context(
        ignore_https_errors=True, http_credentials=login, viewport={"width": 1400, "height": 2400}
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield context.new_page()
    finally:
        context.close()


def button(label: str, number: int = 0) -> Callable[[Page], Locator]:
    return lambda tab: tab.get_by_test_id("stMain").get_by_role("button", name=label, exact=True).nth(number)


def in_sidebar(label: str) -> Callable[[Page], Locator]:
    return lambda tab: tab.get_by_test_id("stSidebar").get_by_role("button", name=label, exact=True)


def choose_first_run(tab: Page) -> None:
    """Tick the box of the newest run in the table of all runs."""
    tab.get_by_test_id("stDataFrame").last.scroll_into_view_if_needed()
    tab.get_by_test_id("stDataFrame").last.click(position={"x": 18, "y": 52})
    expect(button("Up")(tab)).to_be_visible()


def click(*texts: str, view: str = "") -> Callable[[Page], None]:
    """Choose a view of the page, if one is named, and click these texts one after the other."""

    def open_parts(tab: Page) -> None:
        if view:
            tab.get_by_role("radio", name=view).click()
            settled(tab)
        for text in texts:
            tab.get_by_text(text, exact=True).first.click()
            settled(tab)

    return open_parts


@dataclass(frozen=True)
class Shown:
    """A place where an action can be seen, in the view that its part of the test opens."""

    action: Action
    find: Callable[[Page], Locator]
    owner: str = ""
    """Who has started what it acts on."""
    absent: bool = False
    """Whether it is hidden from those who may not, instead of disabled."""


@dataclass
class Owned:
    """What a user has started."""

    owner: str

    def read_owner(self) -> str | None:
        return self.owner or None


VISITS: dict[str, tuple[Callable[[Page], None], tuple[Shown, ...]]] = {
    "dataset": (
        click("Change data set", "Download data", "Check by eye", "Saved views (1)", view="Frames"),
        (
            Shown(Action.OPEN_DATA, in_sidebar("Open folder")),
            Shown(Action.READ_DATA, in_sidebar("Read the folder again")),
            Shown(Action.DOWNLOAD_DATA, in_sidebar("Download")),
            Shown(Action.JUDGE_BOXES, button("Is shifted")),
            Shown(Action.CHANGE_VIEWS, lambda tab: tab.get_by_role("button", name="Rename", exact=True)),
        ),
    ),
    "dataset?view=problems": (
        click(view="Problems"),
        (
            Shown(Action.CHECK_DATA, button("Look for text in frames")),
            Shown(Action.STOP_JOB, button("Stop"), "remy"),
        ),
    ),
    "training?run=run-2": (
        click("Clip cache"),
        (
            Shown(Action.START_RUN, button("Start training")),
            Shown(Action.RESUME_RUN, button("Resume"), "remy"),
            Shown(Action.COMPUTE, lambda tab: tab.get_by_role("switch", name="Show what the model sees")),
            Shown(Action.FILL_CACHE, button("Fill now")),
            Shown(Action.RESTORE_RUN, button("Restore run-0"), "rosa", absent=True),
            Shown(Action.EMPTY_TRASH, lambda tab: tab.get_by_text(re.compile("Empty the trash")), "rosa", absent=True),
        ),
    ),
    "training?run=run-3": (
        choose_first_run,
        (
            Shown(Action.STOP_RUN, button("Stop"), "remy"),
            Shown(Action.EDIT_RUN, button("Edit"), "remy"),
            Shown(Action.DUPLICATE_RUN, button("Duplicate with changes")),
            Shown(Action.NOTE_RUN, button("Name, note, tags"), "remy"),
        ),
    ),
    "evaluation?run=run-1": (
        lambda tab: expect(button("Run card")(tab)).to_be_visible(),
        (
            Shown(Action.EXPORT_CARD, button("Run card")),
            Shown(Action.EXPORT_MODEL, button("Export…")),
            Shown(Action.EXPORT, button("Download predictions.csv")),
            Shown(Action.NOTE_TRIAL, button("Save note"), "rosa"),
        ),
    ),
    "trial_viewer?run=run-1": (
        click("Files"),
        (
            Shown(Action.EXPORT, button("This trial for CVAT")),
            Shown(Action.COMPUTE, button("Compute over time")),
            Shown(Action.CHANGE_EVENTS, lambda tab: tab.get_by_text("Import events from CSV", exact=True), absent=True),
        ),
    ),
    "trial_viewer?run=run-1&kind=new": (
        click("New material"),
        (Shown(Action.UPLOAD, lambda tab: tab.get_by_test_id("stMain").locator("input[type=file]")),),
    ),
}
NOT_SEEN = {Action.GENERATE_DEMO, Action.PREDICT, Action.CLEAR_CACHE, Action.DELETE_RUN, Action.ORDER_QUEUE}
"""What needs more than one step to be seen: tests/pages/test_roles.py asks for these without a browser."""


def permitted(tab: Page, shown: Shown) -> bool:
    """Whether a page lets its visitor carry out an action."""
    place = shown.find(tab)
    if shown.absent:
        return place.count() > 0
    expect(place).to_have_count(1)
    return place.is_enabled()


@pytest.mark.full  # the pages keep themselves up to date, so it takes minutes on a busy machine
@pytest.mark.parametrize("name", ROLES)
def test_pages_offer_what_the_table_allows(lab: Lab, chromium: Browser, name: str) -> None:
    user = User(name, ROLES[name])
    wrong = []
    with visit(lab, chromium, name) as tab:
        for address, (open_view, parts) in VISITS.items():
            tab.goto(f"{lab.url}/{address}")
            settled(tab)
            open_view(tab)
            settled(tab)
            for shown in parts:
                expected = may(user, shown.action, Owned(shown.owner))
                if permitted(tab, shown) != expected:
                    wrong.append((address, shown.action.value, expected))
        tab.goto(f"{lab.url}/administration")
        administration = tab.get_by_test_id("stSidebar").get_by_role("link", name="Administration")
        expect(administration).to_have_count(1 if may(user, Action.SEE_AUDIT) else 0)
        refused = tab.get_by_text("it takes the role admin to see who did what")
        expect(tab.get_by_test_id("stDataFrame") if name == "ada" else refused).to_be_visible()
    assert wrong == []
    assert {shown.action for _, parts in VISITS.values() for shown in parts} == {*Action} - NOT_SEEN - {
        Action.SEE_AUDIT
    }


def test_routes_answer_those_who_may_use_them(lab: Lab, chromium: Browser) -> None:
    with visit(lab, chromium, "rosa") as tab:
        frame, table = frame_and_table(tab, lab)
        pages = ("/", "/training", "/administration", "/_stcore/health")
        files = (frame, table)
        for name in NAMES:
            assert [lab.ask(path, name)[0] for path in pages] == [200] * len(pages), "pages say who has access"
            assert lab.ask(frame, name)[0] == (403 if name == "uma" else 200)
            # Streamlit keeps a downloaded table only until the page reruns, so it may be gone here.
            assert lab.ask(table, name)[0] in ({403} if name == "uma" else {200, 404})
            assert lab.ask("/_stcore/metrics", name)[0] == 404
            assert lab.ask(frame.replace("/frames/", "/frames/x"), name)[0] == (403 if name == "uma" else 404)
        for path in (*pages, *files, "/_stcore/upload_file/a/b"):
            assert lab.ask(path)[0] == 401, "nginx asks for a password"
            assert ask(lab.server.url, path)[0].status == 401, "past nginx, without the header"
        assert websocket_status(lab.server.url) == 401
        assert lab.ask("/health") == (200, lab.ask("/health", "uma")[1])
        assert json.loads(lab.ask("/health")[1])["status"] == "ok"
        refusals = {"uma": "You have no access", "vera": "it takes the role researcher to upload", "rosa": ""}
        for name, reason in refusals.items():
            status, text = lab.ask("/_stcore/upload_file/session/file", name, "PUT")
            assert status == 403, "of rosa, since this is no session of hers"
            assert (reason in text) if reason else ("role" not in text)


def frame_and_table(tab: Page, lab: Lab) -> tuple[str, str]:
    """Return the paths of a frame that the player has asked for, and of a table that was downloaded."""
    with tab.expect_response(lambda answer: "/frames/" in answer.url) as shown:
        tab.goto(f"{lab.url}/trial_viewer")
    expect(tab.locator(".player[data-frame]")).to_be_visible()
    settled(tab)
    with tab.expect_download() as found:
        button("Download boxes as CSV")(tab).click()
    assert "S100T1" in Path(found.value.path()).read_text()
    return shown.value.url.removeprefix(lab.url), found.value.url.removeprefix(lab.url)


def test_without_a_role_there_is_no_page(lab: Lab, chromium: Browser) -> None:
    with visit(lab, chromium, "uma") as tab:
        for page in ("", "training", "administration"):
            tab.goto(f"{lab.url}/{page}")
            expect(tab.get_by_text("You have no access to this app")).to_be_visible()
            assert tab.get_by_test_id("stMain").get_by_role("button").count() == 0
            assert tab.get_by_test_id("stDataFrame").count() == 0


def test_an_expired_login_and_a_lost_role_end_what_is_open(lab: Lab, chromium: Browser) -> None:
    with visit(lab, chromium, "rosa") as tab:
        frame, table = frame_and_table(tab, lab)
        lab.let_in("ada")
        assert [lab.ask(path, "rosa")[0] for path in ("/", frame, table)] == [401] * 3
        answer = tab.reload()
        assert answer is not None
        assert answer.status == 401
        lab.let_in(*NAMES)
    with visit(lab, chromium, "rosa") as tab:
        frame, table = frame_and_table(tab, lab)
        lab.give_roles(vera="viewer", ada="admin")
        assert [lab.ask(path, "rosa")[0] for path in (frame, table)] == [403] * 2
        tab.get_by_role("button", name="Next").click()
        expect(tab.get_by_text("You have no access to this app")).to_be_visible()
