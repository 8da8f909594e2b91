"""What the Rollouts of an Application say of the release that it is at."""

from __future__ import annotations

from typing import Any

import msgspec

from crds.application_rollback import KnownGood, QuarantinedRevision, RollbackStatus
from gitops.compare import Predicted, Target
from gitops.release import Release, Seen, released
from tests.gitops.examples import NOW, app, thing

Raw = dict[str, Any]
G, T = "9" * 40, "b" * 40
GOOD, BAD = "good-rendering", "bad-rendering"
VERDICT = {"verdict": "12 % errors"}
REJECTED: Raw = {"abort": True, "stableRS": "1", "currentPodHash": "2", "tidegate": VERDICT}
WALKING: Raw = {"stableRS": "1", "currentPodHash": "2"}


def declared(name: str, **status: Any) -> Target:
    """A Rollout that is as Git declares it."""
    raw = thing("Rollout", name, api="argoproj.io/v1alpha1", status=status)
    return Target(raw, raw, Predicted(raw))


def seen(*targets: Target, **fields: Any) -> Seen:
    """A look at an Application whose Rollout `api` was rejected and quarantined."""
    rollback = RollbackStatus(
        id="1",
        phase="Quarantined",
        rollout="Rollout production/api",
        from_=T,
        rendering=BAD,
        good=KnownGood(G, GOOD),
    )
    bad = QuarantinedRevision(T, BAD, "12 % errors", NOW)
    status = {"rollback": rollback, "quarantinedRevisions": [bad]}
    application = app(rollback={"enabled": True}, status=msgspec.to_builtins(status))
    known = {"head": T, "release": Release(BAD), **fields}
    return Seen(application, targets=targets, comparison=None, now=NOW, **known)


def phase(here: Seen) -> str:
    return released(here).memory.rollback.phase


def test_a_retry_of_the_rollout_that_was_rejected_releases_it() -> None:
    assert phase(seen(declared("api", **WALKING))) == "Released"


def test_a_sibling_in_mid_canary_is_nobodys_retry() -> None:
    here = seen(declared("api", **REJECTED), declared("web", **WALKING))
    assert (phase(here), len(released(here).memory.bads)) == ("Quarantined", 1)
