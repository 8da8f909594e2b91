"""A release as people drive it: the real commands, the real controller, and the sandbox between them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crds.refs import ROLLOUT
from tests.properties.controller import NAMESPACE
from tests.properties.story import stands
from tests.properties.world import World
from tidegate.cli.api import Line, Raw
from tidegate.cli.main import run
from tidegate.kube.http import Request, Response
from tidegate.sandbox.resources import ROLLOUTS
from tidegate.sandbox.store import Store

Say = Callable[[str], str]
Printed = pytest.CaptureFixture[str]


class Wire:
    """A synchronous sender; nothing changes while a command looks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def send(self, request: Request) -> Response:
        return self._store.handle(request)

    def watch(self, _request: Request) -> Iterator[Raw]:
        return iter(())


def rollout() -> Raw:
    container = {"name": "api", "image": "myregistry/api:v1"}
    template = {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [container]}}
    canary = {"steps": [{"setWeight": 50}, {"pause": {}}]}
    return {
        "metadata": {"name": "api"},
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": {"app": "api"}},
            "strategy": {"canary": canary},
            "template": template,
        },
    }


WORDS = (
    "promote api",
    "promote api --full",
    "promote api --skip-current-step",
    "promote api --skip-all-steps",
    "abort api",
    "retry rollout api",
    "undo api",
    "pause api",
    "set image api *=myregistry/api:v2",
    "set image api *=myregistry/api:v3",
)


def obey(world: World, words: str, seconds: float) -> None:
    """A person says so; what was bad before is theirs to answer."""

    def connect(_asked: Namespace) -> tuple[Line, str]:
        return Wire(world.store), NAMESPACE

    assert run(words.split(), connect) in (0, 1)
    world.witnesses[ROLLOUT].pardon(world.rollout()["metadata"]["uid"], world.store.version)
    world.run(seconds)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from((0.3, 3.0, 12.0))), max_size=8))
def test_whatever_was_said_a_release_can_be_brought_to_its_end(said: list[tuple[str, float]]) -> None:
    with World({}) as world:
        world.create(ROLLOUTS, rollout())
        world.run(10)
        for words, seconds in said:
            obey(world, words, seconds)
        for words in ("retry rollout api", "promote api", "promote api --full"):
            obey(world, words, 3)
        world.until(stands, 120, "it stands")


@pytest.fixture
def world() -> Iterator[World]:
    with World({}) as made:
        made.create(ROLLOUTS, rollout())
        made.run(10)
        yield made


@pytest.fixture
def say(world: World, capsys: Printed) -> Say:
    def said(words: str) -> str:
        obey(world, words, 20)
        printed = capsys.readouterr()
        return printed.out + printed.err

    return said


def test_a_release_is_made_watched_and_let_through(say: Say) -> None:
    assert say("set image api api=myregistry/api:v2") == 'rollout "api" image updated\n'
    assert say("status api --watch=false") == "Paused - CanaryPauseStep\n"
    assert "myregistry/api:v2 (canary)" in say("get rollout api")
    assert say("promote api") == "rollout 'api' promoted\n"
    assert say("status api") == "Healthy\n"


def test_a_release_is_taken_back(say: Say) -> None:
    say("set image api *=myregistry/api:v2")
    assert say("abort api") == "rollout 'api' aborted\n"
    assert say("status api").startswith("Degraded - RolloutAborted: Rollout aborted update to revision 2\n")
    assert say("undo api") == "rollout 'api' undo\n"
    assert say("status api") == "Healthy\n"
    assert "revision:3" in say("get rollout api")


def test_a_skipped_step_is_a_step_further(say: Say) -> None:
    say("set image api api=myregistry/api:v2")
    say("promote api --skip-current-step")
    assert say("status api") == "Healthy\n"


def test_a_paused_release_goes_on_where_it_stood(world: World, say: Say) -> None:
    say("pause api")
    say("set image api api=myregistry/api:v2")
    assert say("status api --watch=false") == "Paused - manually paused\n"
    say("promote api")
    assert say("status api --watch=false") == "Paused - CanaryPauseStep\n"
    assert world.rollout()["status"]["updatedReplicas"] == 2
