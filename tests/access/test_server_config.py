"""server.toml: what it may hold, and what is said about the rest."""

from pathlib import Path

import pytest

from socal_core.access.server_config import Login, Role, ServerConfig, read_server_config
from socal_core.errors import SocalError


@pytest.fixture
def server_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOCAL_WORKSPACE", str(tmp_path))
    return tmp_path / "server.toml"


def test_without_a_file_one_local_user_is_served(server_file: Path) -> None:
    config = read_server_config()
    assert config == ServerConfig()
    assert config.login is Login.NONE


def test_a_whole_file_is_read(server_file: Path) -> None:
    server_file.write_text(
        'login = "proxy"\nhosts = ["socal.example.org"]\ndata_roots = ["/data"]\ndefault_role = "viewer"\n'
        '[roles]\n"anna@example.org" = "admin"\n[quotas]\nqueued_runs_per_user = 3\n'
    )
    config = read_server_config()
    assert config.login is Login.PROXY
    assert config.data_roots == (Path("/data"),)
    assert config.roles == {"anna@example.org": Role.ADMIN}
    assert config.default_role is Role.VIEWER
    assert config.quotas.queued_runs_per_user == 3


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('logn = "proxy"', "logn: Extra inputs are not permitted"),
        ('[roles]\n"anna" = "king"', "roles.anna: Input should be 'viewer', 'researcher' or 'admin'"),
        ("[quotas]\nruns_gb = -1", "quotas.runs_gb: Input should be greater than 0"),
        ('proxies = ["10.0.0.x"]', "proxies.0: Value error, '10.0.0.x' does not appear to be an IPv4 or IPv6 network"),
        ('user_header = "X User"', "user_header: String should match pattern"),
        ('logout_address = "//evil.example"', "logout_address: String should match pattern"),
        ('logout_address = "javascript:alert(1)"', "logout_address: String should match pattern"),
        ("login = ", "cannot be read: Invalid value"),
    ],
)
def test_a_wrong_file_is_refused_by_field(server_file: Path, text: str, part: str) -> None:
    server_file.write_text(text)
    with pytest.raises(SocalError, match=r"server\.toml") as raised:
        read_server_config()
    assert part in str(raised.value)


def test_a_file_that_cannot_be_read_is_refused_without_its_path(server_file: Path) -> None:
    server_file.mkdir()
    with pytest.raises(SocalError) as raised:
        read_server_config()
    assert str(raised.value) == "server.toml cannot be read: Is a directory. Correct the file."
