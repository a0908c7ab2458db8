"""Who a user is, and where an app without login may listen."""

import getpass
from pathlib import Path

import pytest

from socal_core.access.binding import check_address
from socal_core.access.identity_provider import check_provider
from socal_core.access.proxies import is_proxy
from socal_core.access.server_config import Role, ServerConfig, config_at_start
from socal_core.access.users import User, clean_name, local_user, name_in_header, shown_name, user_named
from socal_core.errors import SocalError
from tests.wheel import free_port


def test_the_local_user_may_do_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    assert local_user() == User(getpass.getuser(), Role.ADMIN)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 3_999_999)  # a container whose user has no name
    assert local_user() == User("local user", Role.ADMIN)


def test_the_role_is_that_of_the_name_or_the_default() -> None:
    config = ServerConfig(roles={"anna": Role.ADMIN})
    assert user_named("anna", config) == User("anna", Role.ADMIN)
    assert user_named("Anna", config) is None
    assert user_named("bob", ServerConfig(default_role=Role.VIEWER)) == User("bob", Role.VIEWER)


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        (" anna ", "anna"),
        ("<script>", "<script>"),
        ("محمد", "محمد"),
        ("", None),
        (" \u00a0 ", None),
        ("a\nb", None),
        ("a\x7fb", None),
        (None, None),
        (["anna"], None),
    ],
)
def test_a_name_is_text_without_control_characters(name: object, cleaned: str | None) -> None:
    assert clean_name(name) == cleaned


def test_headers_are_read_as_utf_8_where_they_are() -> None:
    assert name_in_header("Jörg".encode().decode("latin-1")) == "Jörg"
    assert name_in_header("Jörg") == "Jörg"  # sent as Latin-1


def test_a_shown_name_is_short_and_turns_nothing_round() -> None:
    assert shown_name("x" * 300) == "x" * 60 + "…"
    assert shown_name("a\u202ebc\u2066d\u2069") == "abcd"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
def test_without_login_this_machine_is_served(address: str) -> None:
    check_address(address, ServerConfig(), insecure=False)


@pytest.mark.parametrize("address", ["", None, "0.0.0.0", "::", "10.0.0.5", "lab.example.org", "127.0.0.1.evil"])
def test_without_login_no_other_machine_is_served(address: str | None) -> None:
    with pytest.raises(SocalError, match=r"no login is configured(?s:.*)--insecure"):
        check_address(address, ServerConfig(), insecure=False)
    check_address(address, ServerConfig(), insecure=True)
    check_address(address, ServerConfig(login="proxy"), insecure=False)


def test_a_proxy_is_an_address_or_in_a_network() -> None:
    proxies = ("127.0.0.1", "10.1.0.0/16", "::1")
    assert [is_proxy(peer, proxies) for peer in ("127.0.0.1", "10.1.2.3", "::1")] == [True] * 3
    assert [is_proxy(peer, proxies) for peer in ("127.0.0.2", "10.2.0.1", "", "testclient")] == [False] * 4


def test_the_login_stays_as_it_was_when_the_process_started(workspace: Path) -> None:
    file = workspace / "server.toml"
    file.write_text('login = "proxy"')
    assert config_at_start().login == "proxy"
    file.write_text('login = "none"')
    assert config_at_start().login == "proxy"


def test_a_provider_that_is_down_is_named_before_the_visitor_is_sent_there() -> None:
    with pytest.raises(SocalError, match="login service does not answer"):
        check_provider(f"http://127.0.0.1:{free_port()}/.well-known/openid-configuration")
