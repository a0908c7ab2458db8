"""Who may do what: every action for every role, on the own runs, those of others and those of nobody."""

import pytest

from socal_core.access.permissions import RULES, Action, check_may, may, why_not
from socal_core.access.server_config import Role, ServerConfig
from socal_core.access.users import User, user_named
from socal_core.errors import AccessError

VIEWER, RESEARCHER, ADMIN = User("vera", Role.VIEWER), User("rosa", Role.RESEARCHER), User("ada", Role.ADMIN)
LOOKING = {Action.OPEN_DATA, Action.READ_DATA}
WORKING = {
    Action.GENERATE_DEMO,
    Action.DOWNLOAD_DATA,
    Action.CHECK_DATA,
    Action.JUDGE_BOXES,
    Action.CHANGE_VIEWS,
    Action.CHANGE_EVENTS,
    Action.UPLOAD,
    Action.PREDICT,
    Action.START_RUN,
    Action.DUPLICATE_RUN,
    Action.COMPUTE,
    Action.EXPORT,
    Action.EXPORT_CARD,
    Action.EXPORT_MODEL,
    Action.FILL_CACHE,
}
TO_THE_OWN = {
    Action.STOP_RUN,
    Action.RESUME_RUN,
    Action.ORDER_QUEUE,
    Action.EDIT_RUN,
    Action.NOTE_RUN,
    Action.NOTE_TRIAL,
    Action.DELETE_RUN,
    Action.RESTORE_RUN,
    Action.EMPTY_TRASH,
    Action.STOP_JOB,
}
ADMINISTERING = {Action.CLEAR_CACHE, Action.SEE_AUDIT}


class OwnedBy:
    def __init__(self, name: str | None) -> None:
        self._name = name

    def read_owner(self) -> str | None:
        return self._name


def allowed(user: User | None, owner: str | None) -> set[Action]:
    return {action for action in Action if may(user, action, OwnedBy(owner))}


def test_every_action_has_a_rule_and_a_place_here() -> None:
    assert set(RULES) == set(Action) == LOOKING | WORKING | TO_THE_OWN | ADMINISTERING


@pytest.mark.parametrize("owner", ["vera", "rosa", "ada", None])
def test_nobody_may_do_nothing_and_a_viewer_only_look(owner: str | None) -> None:
    assert allowed(None, owner) == set()
    assert allowed(VIEWER, owner) == LOOKING


def test_a_researcher_may_change_only_the_own() -> None:
    assert allowed(RESEARCHER, "rosa") == LOOKING | WORKING | TO_THE_OWN
    assert allowed(RESEARCHER, "vera") == allowed(RESEARCHER, None) == LOOKING | WORKING
    assert not may(RESEARCHER, Action.DELETE_RUN), "no run is no own run"


@pytest.mark.parametrize("owner", ["vera", "ada", None])
def test_an_admin_may_do_everything(owner: str | None) -> None:
    assert allowed(ADMIN, owner) == set(Action)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("user", [None, VIEWER, RESEARCHER, ADMIN])
def test_a_refusal_says_what_to_do(user: User | None, action: Action) -> None:
    if may(user, action, OwnedBy("vera")):
        assert check_may(user, action, OwnedBy("vera")) is user
        return
    with pytest.raises(AccessError) as refused:
        check_may(user, action, OwnedBy("vera"))
    assert str(refused.value) == why_not(user, action)
    assert "Ask" in str(refused.value)


def test_the_role_comes_from_the_configuration() -> None:
    config = ServerConfig(roles={"ada": Role.ADMIN})
    assert user_named("ada", config) == ADMIN
    assert user_named("eve", config) is None
    assert user_named("eve", ServerConfig(default_role=Role.VIEWER)) == User("eve", Role.VIEWER)
