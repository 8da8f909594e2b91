"""A person undoes: the older pods are found again by their template, and get no new ReplicaSet."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from tests.e2e.scene import HOST, Raw, Scene, path, quick
from tests.lab.load import Load
from tests.lab.state import read_state

pytestmark = pytest.mark.lab


class Story(msgspec.Struct, frozen=True):
    """v1, v2, then undone to v1; then v3 half way, undone to v1. Sets are ReplicaSets by version."""

    before: dict[str, Raw]
    undone: Raw
    sets: dict[str, Raw]
    asked: Raw
    turned: Raw
    back: Raw
    last: dict[str, Raw]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with Scene(read_state(), tmp_path_factory.mktemp("undo")) as scene:
        scene.install()
        scene.edit = quick
        scene.controller()
        with Load(scene.state.gateway, HOST, rate=100):
            yield tell(scene)


def tell(scene: Scene) -> Story:
    scene.release("v1")
    scene.healthy("v1")
    fully(scene, "v2")
    before = sets(scene)
    scene.cli("undo", "api")
    scene.at_pause(hash_of(before["v1"]))
    scene.cli("promote", "api", "--full")
    undone = scene.healthy("v1")
    found, asked = sets(scene), scene.rollout()["spec"]["template"]
    scene.release("v3")
    turned = scene.wait(60, "v3 to stand at 10 %", lambda s: stands(s, found))
    scene.cli("undo", "api", "--to-revision", "3")
    return Story(before, undone, found, asked, turned, scene.healthy("v1"), sets(scene))


def fully(scene: Scene, version: str) -> None:
    scene.release(version)
    scene.at_pause()
    scene.cli("promote", "api", "--full")
    scene.healthy(version)


def stands(status: Raw, known: dict[str, Raw]) -> bool:
    new = status.get("currentPodHash") not in {hash_of(one) for one in known.values()}
    return bool(new and status.get("currentStepIndex") == 1 and status.get("controllerPause"))


def sets(scene: Scene) -> dict[str, Raw]:
    """The ReplicaSets by the version they run; one that stands twice would be lost, so names are counted."""
    found = scene.kube.get(path("replicasets", group="apps/v1"))["items"]
    versions = {one["spec"]["template"]["spec"]["containers"][0]["image"].split(":")[1]: one for one in found}
    assert len(versions) == len(found), f"a version has two ReplicaSets: {found}"
    return versions


def hash_of(replica_set: Raw) -> str:
    return str(replica_set["metadata"]["labels"]["rollouts-pod-template-hash"])


def revision(replica_set: Raw) -> str:
    return str(replica_set["metadata"]["annotations"]["rollout.argoproj.io/revision"])


def test_undo_finds_the_replica_set_of_the_older_version(story: Story) -> None:
    assert story.undone["stableRS"] == hash_of(story.before["v1"])


def test_undo_makes_no_replica_set(story: Story) -> None:
    assert sorted(story.sets) == ["v1", "v2"]


def test_the_older_version_is_the_newest_revision(story: Story) -> None:
    assert {version: revision(one) for version, one in story.sets.items()} == {"v1": "3", "v2": "2"}


def test_the_rollout_asks_for_the_older_template_without_its_hash(story: Story) -> None:
    assert story.asked["spec"]["containers"][0]["image"].endswith(":v1")
    assert story.asked["metadata"]["labels"] == {"app": "api"}


def test_undo_half_way_goes_back_to_stable_and_past_all_steps(story: Story) -> None:
    assert story.turned["stableRS"] == story.back["stableRS"] == hash_of(story.before["v1"])
    assert story.back["currentStepIndex"] == 4


def test_undo_half_way_makes_no_replica_set_either(story: Story) -> None:
    assert sorted(story.last) == ["v1", "v2", "v3"]
