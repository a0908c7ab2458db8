"""Whom the pages show the data to, and what they say to everybody else."""

import time
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.components.words import plain_text
from socal_core.access.users import shown_name
from socal_core.serving import opened
from tests.pages.conftest import OpenPage, text_of
from tests.wheel import free_port

PAGES = ("app", "dataset", "training", "evaluation", "trial_viewer", "guide")
HEADER = "X-Forwarded-User"
HOSTILE = (
    "**bold** [link](http://evil.example)",
    "<script>alert(1)</script>",
    "$x$ :smile:",
    "محمد\u202egnp",
    "x" * 300,
)


def named_by_proxy(monkeypatch: pytest.MonkeyPatch, workspace: Path, name: str, more: str = "") -> None:
    """Let the pages be visited through a proxy that sends a name, as it does after the gate."""
    (workspace / "server.toml").write_text(f'login = "proxy"\n{more}', encoding="utf-8")
    headers = {HEADER: name.encode().decode("latin-1")}
    monkeypatch.setattr(type(st.context), "headers", property(lambda _: headers))


def logged_in(
    monkeypatch: pytest.MonkeyPatch, workspace: Path, more: str = 'default_role = "viewer"', **claims: Any
) -> None:
    """Let the pages be visited by somebody of whom an identity provider has said something."""
    (workspace / "server.toml").write_text('login = "oidc"\ndefault_role = "viewer"', encoding="utf-8")
    monkeypatch.setattr(type(st.user), "to_dict", lambda _: claims)


def shows_nothing_of_the_app(page: AppTest) -> bool:
    assert not page.exception
    return not (page.sidebar.get("page_link") or page.dataframe or page.metric or page.selectbox or page.text_input)


def test_without_login_nothing_is_said_about_the_user(open_page: OpenPage, shared_data_folder: Path) -> None:
    page = open_page("guide", shared_data_folder)
    assert len(page.sidebar.get("page_link")) == len(PAGES)
    assert not [text for text in page.sidebar.markdown if "Admin" in text.value]


def test_a_user_of_the_proxy_sees_name_role_and_a_way_out(
    open_page: OpenPage, shared_data_folder: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = 'logout_address = "/oauth2/sign_out"\n[roles]\n"Jörg@example.org" = "researcher"'
    named_by_proxy(monkeypatch, workspace, "Jörg@example.org", settings)
    page = open_page("guide", shared_data_folder)
    assert not page.exception
    assert page.sidebar.markdown[-1].value == f"**{plain_text('Jörg@example.org')}**  \nResearcher"
    (way_out,) = page.sidebar.get("link_button")
    assert (way_out.proto.label, way_out.proto.url) == ("Log out", "/oauth2/sign_out")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", PAGES)
def test_a_user_without_a_role_sees_no_data_on_any_page(
    open_page: OpenPage, shared_data_folder: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    named_by_proxy(monkeypatch, workspace, "eve@example.org", '[roles]\n"anna@example.org" = "admin"')
    tokens = set(opened._opened)
    page = open_page(name, shared_data_folder)
    assert page.title[0].value == "No access"
    assert "Ask the administrator" in page.warning[0].value
    assert shows_nothing_of_the_app(page)
    assert shared_data_folder.name not in text_of(page)
    assert set(opened._opened) == tokens


@pytest.mark.parametrize("name", HOSTILE)
def test_the_name_of_a_user_is_text(
    open_page: OpenPage, shared_data_folder: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    named_by_proxy(monkeypatch, workspace, name)
    page = open_page("app", shared_data_folder)
    shown = page.warning[0].value
    assert shows_nothing_of_the_app(page)
    assert f"**{plain_text(shown_name(name))}**" in shown  # in a browser: tests/browser/test_plain_text.py
    assert len(shown) < 250


def test_a_visitor_logs_in_first(
    open_page: OpenPage, shared_data_folder: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged_in(monkeypatch, workspace)
    page = open_page("dataset", shared_data_folder)
    assert shows_nothing_of_the_app(page)
    assert [button.label for button in page.button] == ["Log in"]


CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"email": "anna@example.org", "iat": time.time() - 13 * 3600}, "Your login has ended"),
    "no time": ({"email": "anna@example.org"}, "Your login has ended"),
    "no name": ({"iat": time.time()}, "did not report your email"),
    "no text": ({"email": ["anna"], "iat": time.time()}, "did not report your email"),
    "not verified": (
        {"email": "anna@example.org", "email_verified": False, "iat": time.time()},
        "not verified your e-mail",
    ),
}


@pytest.mark.parametrize("case", CLAIMS)
def test_a_login_that_does_not_name_the_user_now_does_not_count(
    open_page: OpenPage, shared_data_folder: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    claims, reason = CLAIMS[case]
    logged_in(monkeypatch, workspace, is_logged_in=True, **claims)
    page = open_page("app", shared_data_folder)
    assert shows_nothing_of_the_app(page)
    assert reason in page.warning[0].value
    assert [button.label for button in page.button] == ["Log in"]


def test_a_logged_in_user_uses_the_app_and_can_log_out(
    open_page: OpenPage, shared_data_folder: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged_in(monkeypatch, workspace, is_logged_in=True, email="anna@example.org", iat=time.time() - 3600)
    page = open_page("guide", shared_data_folder)
    assert not page.exception
    assert len(page.sidebar.get("page_link")) == len(PAGES)
    assert "Viewer" in page.sidebar.markdown[-1].value
    assert page.sidebar.button[-1].label == "Log out"


@pytest.mark.parametrize(
    ("secrets", "message"),
    [
        ({"auth": {"server_metadata_url": f"http://127.0.0.1:{free_port()}/"}}, "login service does not answer"),
        ({}, "login is not set up completely"),
    ],
)
def test_a_provider_that_is_down_is_reported_on_the_page(
    open_page: OpenPage,
    shared_data_folder: Path,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    secrets: dict[str, Any],
    message: str,
) -> None:
    logged_in(monkeypatch, workspace)
    page = open_page("app", shared_data_folder)
    for name, value in secrets.items():
        page.secrets[name] = value
    page.button[0].click().run()
    assert not page.exception
    assert message in page.error[0].value


def test_a_broken_server_file_shows_a_message_and_no_data(
    open_page: OpenPage, shared_data_folder: Path, workspace: Path
) -> None:
    (workspace / "server.toml").write_text("login = ", encoding="utf-8")
    page = open_page("app", shared_data_folder)
    assert "cannot be read" in page.error[0].value
    assert shows_nothing_of_the_app(page)
