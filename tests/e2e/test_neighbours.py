"""Bad days next door: a dozen Rollouts have a trouble each at once, say what to mend, and go on once it is
mended; a healthy one among them takes no longer than it usually does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import pairwise

import msgspec
import pytest

from tests.e2e.distorted import Distorted, twice
from tests.e2e.scene import HOST, Raw, Scene, condition, path, quick
from tests.e2e.troubles import (
    AROUND,
    DISTORTED,
    KINDS,
    ROUTES,
    Trouble,
    asking,
    canary_of,
    entries,
    metrics,
    neighbour,
    services,
)
from tests.e2e.witness import Sampler, Watch, canary_weights
from tests.lab import envoy, parts
from tests.lab.kube import ApiError
from tests.lab.load import Load
from tests.lab.state import read_state
from tests.lab.waiting import Late, until
from tests.lab.worlds import make, mesh_of
from tests.properties.test_patched import NONSENSE

pytestmark = pytest.mark.lab

SLOWER = 1.5
"""By what a healthy Rollout may be slower for its neighbours' trouble."""
AWAY = 20.0
FOR_A_PERSON = "a pause for no reason we know"
"""What a person must end, who is none of the neighbours."""


class Street(msgspec.Struct, frozen=True):
    """api, which is well and judged by its own requests, and its neighbours, who stand at v1."""

    scene: Scene
    troubles: list[Trouble]

    def release(self, trouble: Trouble, version: str, *, slips: bool = False, approved: bool = False) -> None:
        manifest = neighbour(trouble.name, version)
        trouble.edit(manifest)
        if slips:
            trouble.slip(manifest)
        if approved:
            canary_of(manifest)["steps"][1] = {"pause": {}}
        self.scene.kube.apply(manifest)

    def share(self, name: str) -> int:
        """What the canary gets, in percent."""
        route = self.scene.kube.get(f"{ROUTES}/{name}")["spec"]["http"][0]["route"]
        weight: int = route[1]["weight"]
        return weight

    def status(self, name: str) -> Raw:
        found: Raw = self.scene.kube.get(path("rollouts", name)).get("status", {})
        return found

    def wait(self, name: str, seconds: float, what: str, holds: Callable[[Raw], object]) -> Raw:
        def ask() -> Raw | None:
            status = self.status(name)
            return status if status and holds(status) else None

        try:
            return until(ask, seconds, f"{what} of {name}")
        except Late as late:
            raise Late(f"{late}; the last status was {self.status(name)}") from None

    def healthy(self, name: str, version: str, seconds: float = 90) -> None:
        def stands(status: Raw) -> bool:
            rollout = self.scene.kube.get(path("rollouts", name))
            image = rollout["spec"]["template"]["spec"]["containers"][0]["image"]
            seen = status.get("observedGeneration") == str(rollout["metadata"]["generation"])
            return seen and status.get("phase") == "Healthy" and image.endswith(f":{version}")

        self.wait(name, seconds, f"{version} to be healthy", stands)

    def shipped(self, version: str) -> float:
        """Seconds that a release of api takes from its words to its end."""
        began = time.monotonic()
        self.scene.release(version)
        self.scene.healthy(version, 120)
        return time.monotonic() - began


def unattended(manifest: Raw) -> None:
    quick(manifest)
    canary_of(manifest)["steps"].remove({"pause": {}})


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with ExitStack() as stack:
        scene = stack.enter_context(Scene(read_state(), tmp_path_factory.mktemp("neighbours")))
        distorted = stack.enter_context(Distorted(scene.state.prometheus))
        scene.install()
        catalogue = scene.catalogue()
        make(scene.kube, [{**catalogue, "data": {**catalogue["data"], **entries(distorted)}}])
        distorted.bad["half"] = twice
        street = Street(scene, [*AROUND, *metrics(distorted)])
        settle_in(street)
        stack.enter_context(Load(scene.state.gateway, HOST, rate=200))
        until(lambda: distorted.told("", {"query": f"{KINDS}}}"}).series, 20, "requests to be counted")
        yield street


def settle_in(street: Street) -> None:
    scene = street.scene
    for trouble in street.troubles:
        make(scene.kube, mesh_of(trouble.name, host=f"{trouble.name}.example.com"))
    for name in ("service", "landlord", "tenant"):
        services(scene, name)
    asking(scene, "argument")
    scene.edit = unattended
    scene.controller()
    scene.release("v1")
    for trouble in street.troubles:
        street.release(trouble, "v1")
    scene.healthy("v1")
    for trouble in street.troubles:
        street.healthy(trouble.name, "v1")


def test_each_trouble_is_named_hurts_no_neighbour_and_is_over_once_it_is_mended(street: Street) -> None:
    usual = street.shipped("v2")
    before = {trouble.name: street.status(trouble.name)["stableRS"] for trouble in street.troubles}
    for trouble in street.troubles:
        trouble.breaks(street.scene, trouble.name)
        street.release(trouble, "v2", slips=True)
    with Watch(street.scene.kube, ROUTES) as routes:
        beside = street.shipped("v3")
        assert canary_weights(routes) == [0, 10, 50, 100, 0]
    for trouble in street.troubles:
        named(street, trouble)
        assert not trouble.says or street.status(trouble.name)["stableRS"] == before[trouble.name]
    for trouble in street.troubles:
        trouble.mends(street.scene, trouble.name)
        street.release(trouble, "v2")
    for trouble in street.troubles:
        street.healthy(trouble.name, "v2")
        assert not trouble.says or not condition(street.status(trouble.name), trouble.says[0])
    print(f"a release took {usual:.1f} s, and {beside:.1f} s beside {len(street.troubles)} in trouble")
    assert beside <= SLOWER * usual


def named(street: Street, trouble: Trouble) -> None:
    """The condition says object, field and fix; trouble that does no harm leaves no trace."""
    if not trouble.says:
        return street.healthy(trouble.name, "v2", 30)
    kind, *words = trouble.says
    message = street.wait(trouble.name, 30, kind, lambda s: condition(s, kind))
    said = condition(message, kind)["message"]
    assert [one for one in words if one not in said] == [], said
    return None


def test_a_prometheus_that_turns_bad_in_mid_canary_holds_it_where_it_is_until_it_is_mended(
    street: Street,
) -> None:
    """None is aborted for what Prometheus does; where no series are found, they are waited for longer."""
    judged = [one for one in street.troubles if one.name in DISTORTED and one.says and one.name != "empty"]
    for trouble in judged:
        street.release(trouble, "v3", approved=True)
    for trouble in judged:
        street.wait(trouble.name, 60, "the approval at 50 %", lambda s: s.get("controllerPause"))
        trouble.breaks(street.scene, trouble.name)
    for trouble in judged:
        named(street, trouble)
        assert street.share(trouble.name) == 50
        trouble.mends(street.scene, trouble.name)
    for trouble in judged:
        street.wait(trouble.name, 60, "no condition", lambda s: not condition(s, "MetricsNotReady"))
        street.scene.cli("promote", trouble.name)
    for trouble in judged:
        street.healthy(trouble.name, "v3")


def test_whatever_people_patch_into_a_status_in_mid_step_the_release_ends_well(street: Street) -> None:
    patches = [patch for words, patch in NONSENSE.items() if words != FOR_A_PERSON]
    patched = list(zip(street.troubles, patches, strict=False))
    for trouble, _ in patched:
        street.release(trouble, "v4")
    for trouble, patch in patched:
        street.wait(trouble.name, 60, "the hold at 50 %", lambda s: s.get("controllerPause"))
        street.scene.kube.merge(f"{path('rollouts', trouble.name)}/status", {"status": patch})
    for trouble, _ in patched:
        street.healthy(trouble.name, "v4")


def test_an_api_server_that_is_away_changes_no_story(street: Street) -> None:
    """Nobody is restarted, no share is set back, and the Lease is held again.

    istiod waits a minute and more between its own attempts to come back, so Envoy may miss what was said
    meanwhile; what it does see comes in the story's order, and its end is the story's.
    """
    scene, story = street.scene, [0, 10, 50, 100, 0]
    with Sampler(lambda: canary_share(scene)) as sampled:
        with Watch(scene.kube, ROUTES) as before:
            scene.release("v4")
            for trouble in street.troubles:
                street.release(trouble, "v5")
            scene.wait(60, "10 %", lambda s: s.get("controllerPause") and scene.weights() == (90, 10))
        away(scene, AWAY)
        with Watch(scene.kube, ROUTES) as after:
            scene.healthy("v4", 180)
            for trouble in street.troubles:
                street.healthy(trouble.name, "v5")
        until(lambda: sampled.counted[-1].value == 0, 150, "Envoy to have caught up")
    assert [*canary_weights(before), *canary_weights(after)[1:]] == story
    assert canary_weights(after)[0] == 10
    assert comes_in_order([one.value for one in sampled.counted], story)
    assert scene.running[-1].poll() is None


def comes_in_order(seen: list[int], story: list[int]) -> bool:
    """Each change among those seen is a later one of the story; some may have been missed."""
    left = iter(story)
    return all(one in left for a, one in pairwise([-1, *seen]) if a != one)


def canary_share(scene: Scene) -> int:
    """What Envoy sends to the canary, in percent."""
    return envoy.weights(scene.state, HOST).get(envoy.cluster_name("canary"), 0)


def away(scene: Scene, seconds: float) -> None:
    """The API server is killed, and started again after so long."""
    parts.stop(scene.state, "kube-apiserver")
    gone = time.monotonic()
    until(lambda: time.monotonic() - gone >= seconds, 2 * seconds, "the outage to be long enough")
    scene.state = parts.start(scene.state, "kube-apiserver")
    until(lambda: answers(scene), 60, "the API server to answer")


def answers(scene: Scene) -> bool:
    with suppress(OSError, ApiError):
        return bool(scene.kube.get("/readyz") == "ok")
    return False
