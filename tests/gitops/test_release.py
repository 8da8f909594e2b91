"""What the Rollouts of an Application say of the release that it is at."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from crds.application import Application
from crds.application_rollback import KnownGood, QuarantinedRevision, RollbackStatus
from crds.appproject import EVERYTHING, AppProject
from gitops.actions import Apply
from gitops.compare import Predicted, Target
from gitops.objects import key_of
from gitops.plan import Rendering, World, plan
from gitops.release import Release, Seen, released
from gitops.reverts import Ready
from tests.gitops.examples import NOW, app, config, thing

Raw = dict[str, Any]
G, T = "9" * 40, "b" * 40
GOOD, BAD = "good-rendering", "bad-rendering"
VERDICT = {"verdict": "12 % errors"}
REJECTED: Raw = {"abort": True, "stableRS": "1", "currentPodHash": "2", "tidegate": VERDICT}
ALONE: Raw = {**REJECTED, "tidegate": {**VERDICT, "blame": {"alone": True}}}
ROUTED: Raw = {"strategy": {"canary": {"trafficRouting": {"istio": {}}}}}
HEALING: Raw = {"automated": {"selfHeal": True}}
UNSIGNED: Raw = {"signing": {"type": "none"}}
WALKING: Raw = {"stableRS": "1", "currentPodHash": "2"}


def declared(name: str, **status: Any) -> Target:
    """A Rollout that is as Git declares it."""
    raw = thing("Rollout", name, api="argoproj.io/v1alpha1", status=status)
    return Target(raw, raw, Predicted(raw))


def quarantined(policy: Raw | None = None, **status: Any) -> Application:
    """Its Rollout `api` was rejected at T, which Git declares."""
    rollback = RollbackStatus(
        id="1",
        phase="Quarantined",
        rollout="Rollout production/api",
        from_=T,
        rendering=BAD,
        good=KnownGood(G, GOOD),
    )
    bad = QuarantinedRevision(T, BAD, "12 % errors", NOW)
    status = {"rollback": rollback, "quarantinedRevisions": [bad], **status}
    return app(rollback={"enabled": True}, syncPolicy=policy or {}, status=msgspec.to_builtins(status))


def seen(*targets: Target) -> Seen:
    """A look at it."""
    return Seen(quarantined(), T, targets, None, Release(BAD), NOW)


def phase(here: Seen) -> str:
    return released(here).memory.rollback.phase


def test_a_retry_of_the_rollout_that_was_rejected_releases_it() -> None:
    assert phase(seen(declared("api", **WALKING))) == "Released"


def test_a_sibling_in_mid_canary_is_nobodys_retry() -> None:
    here = seen(declared("api", **REJECTED), declared("web", **WALKING))
    assert (phase(here), len(released(here).memory.bads)) == ("Quarantined", 1)


def test_of_two_that_are_rejected_the_one_counts_that_is_to_be_taken_back() -> None:
    """By pods that never started, say, which this Application leaves to people."""
    pods = {**VERDICT, "blame": {"cause": "pods", "alone": True}}
    targets = declared("a", **{**REJECTED, "tidegate": pods}), declared("b", **ALONE)
    memory = {"tidegate": {"good": [{"revision": G, "rendering": GOOD}]}}
    here = app(rollback={"enabled": True, "onHealthFailure": False}, syncPolicy={}, status=memory)
    found = released(replace(seen(*targets), application=here))
    assert found.memory.rollback.rollout == "Rollout production/b"


def test_what_is_being_taken_back_waits_for_its_own_routes() -> None:
    routed = thing("Rollout", "api", api="argoproj.io/v1alpha1", status=ALONE, spec=ROUTED)
    here = seen(declared("a", **ALONE), Target(routed, routed, Predicted(routed)))
    assert released(here).restored is False


@pytest.mark.parametrize(
    "wrong", [{"git": {**UNSIGNED, "mode": "pullrequest"}}, {"maxRetries": -1}], ids=["mode", "retries"]
)
def test_while_a_setting_is_wrong_git_is_not_written(wrong: Raw) -> None:
    policy = {"enabled": True, "git": UNSIGNED}
    mine = quarantined()
    mine = replace(mine, spec=app(rollback={**policy, **wrong}, syncPolicy={}).spec)
    ready = Release(BAD, answer=Ready(T, "e" * 40, "refs/heads/main"))
    here = World(mine, Rendering(T, head=T), NOW, project=AppProject(EVERYTHING), release=ready)
    found = plan(here)
    assert found.status.rollback.phase == "Quarantined"
    assert (
        "spec.rollback." in dict((one.type, one.message) for one in found.status.conditions)["RevertPending"]
    )


def test_a_project_that_forbids_the_repository_by_now_is_why_git_is_not_written() -> None:
    here = World(
        quarantined(),
        Rendering(T, head=T),
        NOW,
        project=AppProject(replace(EVERYTHING, source_repos=())),
        targets=(declared("api", **REJECTED),),
        release=Release(BAD),
    )
    said = {one.type: one.message for one in plan(here).status.conditions}
    assert said["RevertPending"].startswith("application repo https://github.com/myorg/infrastructure is not")


def test_a_persons_sync_to_what_was_good_is_not_gits_return_to_it() -> None:
    operation = {"sync": {"revision": G}}
    state = {"phase": "Running", "operation": operation, "startedAt": "2026-03-15T10:30:00Z"}
    application = quarantined(operationState=state)
    here = World(
        application,
        Rendering(G, head=T),
        NOW,
        project=AppProject(EVERYTHING),
        targets=(declared("api"),),
        release=Release(GOOD),
    )
    assert plan(here).status.rollback == application.status.rollback


def drifted(name: str) -> Target:
    """A ConfigMap that is not as Git declares it."""
    return Target(config(name, level="1"), config(name, level="2"), Predicted(config(name, level="1")))


def held(**status: Any) -> World:
    """Quarantined for days, and healing itself; `fixed` is declared as it was when all was good."""
    return World(
        quarantined(policy=HEALING, **status),
        Rendering(T, head=T),
        NOW,
        project=AppProject(EVERYTHING),
        targets=(drifted("fixed"), drifted("changed")),
        release=Release(BAD, kept=frozenset({key_of(config("fixed"))})),
    )


def test_while_quarantined_what_was_declared_before_is_healed_and_nothing_else() -> None:
    begun = plan(held()).status.operation_state
    assert begun
    assert begun.operation.sync
    assert [one.name for one in begun.operation.sync.resources] == ["fixed"]
    writes = plan(held(operationState=begun)).actions
    assert [one.raw["metadata"]["name"] for one in writes if isinstance(one, Apply)] == ["fixed"]


def test_a_sync_of_more_than_that_is_ended_by_the_quarantine() -> None:
    state = {"phase": "Running", "operation": {"sync": {"revision": T}}, "startedAt": "2026-03-15T10:30:00Z"}
    over = plan(held(operationState=state)).status.operation_state
    assert over
    assert (over.phase, "is quarantined" in over.message) == ("Error", True)
