"""What an Application's plan writes while a release of its own is quarantined."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crds.patches import merged
from crds.paths import get, put
from gitops.objects import desired
from gitops.sources import Unrenderable, digest
from tests.gitops.examples import NOW, raw_app, thing
from tests.gitops.test_plan import rollout
from tests.tidegate.test_application_planner import (
    AUTOMATED,
    COMMIT,
    ELDER,
    ID_OF_API,
    KINDS,
    Answers,
    app,
    said,
)
from tidegate.planners.application_release import PREFLIGHT
from tidegate.planners.needs import (
    Answer,
    Failed,
    Known,
    Need,
    Outline,
    Pending,
    Rendered,
    Reverted,
    Revertible,
)

Raw = dict[str, Any]
SCALED = ("spec", "replicas")
LATER = timedelta(hours=1)
SIGNED = {"signing": {"secretRef": {"name": "key"}}}
TARGET = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "api"}


def quarantined(bad: Raw, good: Raw, *beside: Raw) -> Answers:
    """Its Rollout has rejected what COMMIT declares, and was well at ELDER; nothing is restored yet."""
    here = app(syncPolicy=AUTOMATED, rollback={"enabled": True})
    source = get(here.app, "spec", "source")
    known = {"revision": ELDER, "rendering": digest((good, *beside)), "source": source}
    rollback = {"id": "1", "phase": "Quarantined", "rollout": "Rollout production/api", "from": COMMIT,
                "fromSource": source, "rendering": digest((bad, *beside)), "good": known}  # fmt: skip
    held = {"revision": COMMIT, "rendering": digest((bad, *beside)), "reason": "12 % errors"}
    here.app["status"] = {"rollback": rollback, "quarantinedRevisions": [held], "tidegate": {"good": [known]}}
    here.git, here.elder = (bad, *beside), (good, *beside)
    here.served = {*KINDS, "Rollout", "HorizontalPodAutoscaler"}
    there = desired(bad, "api-prod", "production", namespaced=True)
    walked = {"abort": True, "stableRS": "1", "currentPodHash": "2", "tidegate": {"verdict": "12 % errors"}}
    shut = {"canary": {"weights": {"canary": {"weight": 0}}}}
    return here.has(there | {"status": walked | shut})


def test_what_was_good_goes_back_after_a_restart_while_git_does_not_answer() -> None:
    """What the mirrors hold is enough: nobody has to say where the branch is."""
    bad, good = (put(rollout(), ("spec", "template", "v"), number) for number in (2, 1))
    here = quarantined(bad, good)
    here.head = Failed("git.example.com: no answer")
    here.play()
    assert get(here.objects["Rollout", "production", "api"], "spec", "template", "v") == 1
    assert "ComparisonError: git.example.com: no answer" in said(here)


@pytest.mark.parametrize("unknown", [Failed("no answer within 600 s"), Known(Unrenderable("no such file"))])
def test_what_cannot_be_rendered_for_now_takes_no_release_out_of_quarantine(unknown: Answer) -> None:
    bad, good = (put(rollout(), ("spec", "template", "v"), number) for number in (2, 1))
    here = quarantined(bad, good)
    here.rendered = unknown
    here.play()
    assert get(here.app, "status", "rollback", "phase") == "Quarantined"
    here.rendered = None
    here.play()
    assert (image(here), get(here.app, "status", "rollback", "phase")) == (1, "Quarantined")


def well(name: str) -> Answers:
    """At rest, with a Rollout that reverts would be signed for."""
    here = Answers(raw_app(name=name, rollback={"enabled": True, "git": SIGNED}))
    here.git, here.served = (rollout(),), {*KINDS, "Rollout"}
    return here


def answering(here: Answers, unready: Answer) -> Answers:
    plain = here.answer
    here.answer = lambda need: unready if isinstance(need, Revertible) else plain(need)  # type: ignore[method-assign]
    return here


def asked(here: Answers) -> set[Need]:
    return {need for need in here.asked if isinstance(need, Revertible)}


def test_what_a_revert_would_lack_is_asked_every_few_minutes_and_once_for_all() -> None:
    here, beside = (well(name) for name in ("api-prod", "web"))
    look, _ = here.look(), beside.look()
    first = asked(here)
    assert (len(first), first) == (1, asked(beside))
    assert look.wake_at
    assert look.wake_at <= NOW + PREFLIGHT
    here.now = look.wake_at
    here.look()
    assert len(asked(here) - first) == 1


@pytest.mark.parametrize("unknown", [Pending(), Failed("git.example.com: no answer")])
def test_what_a_revert_would_lack_stays_said_while_it_is_asked_again(unknown: Answer) -> None:
    lacks = "Secret argocd/key has no ssh-privatekey"
    here = answering(well("api-prod"), Known(lacks))
    assert f"RevertNotReady: {lacks}" in said(here.play())
    assert f"RevertNotReady: {lacks}" in said(answering(here, unknown).play())


def image(here: Answers) -> Any:
    return get(here.objects["Rollout", "production", "api"], "spec", "template", "v")


def elder_is(here: Answers, answer: Answer) -> Answers:
    """What the good release declares."""
    plain = here.answer

    def answered(need: Need) -> Answer:
        return answer if isinstance(need, Rendered) and need.commit == ELDER else plain(need)

    here.answer = answered  # type: ignore[method-assign]
    return here


@pytest.mark.parametrize("unknown", [Pending(), Failed("git.example.com: no answer")])
def test_what_heals_in_a_quarantine_goes_on_once_it_is_known_what_the_good_release_declares(
    unknown: Answer,
) -> None:
    """Who has just begun has that to read yet."""
    bad, good = (put(rollout(), ("spec", "template", "v"), number) for number in (2, 1))
    here = quarantined(bad, good, thing("ConfigMap", "settings"))
    while get(here.app, "status", "operationState", "phase") != "Running":
        assert here.acts()
    plain = here.answer
    elder_is(here, unknown).play()
    assert get(here.app, "status", "operationState", "phase") == "Running"
    here.answer = plain  # type: ignore[method-assign]
    here.play()
    assert get(here.app, "status", "operationState", "phase") == "Succeeded"


def test_what_somebody_sets_back_to_the_bad_release_is_given_back_again() -> None:
    bad, good = (put(rollout(), ("spec", "template", "v"), number) for number in (2, 1))
    here = quarantined(bad, good)
    here.play()
    walks = {"stableRS": "1", "currentPodHash": "2"}
    here.has(desired(bad, "api-prod", "production", namespaced=True) | {"status": walks})
    here.now += LATER
    here.play()
    assert (image(here), get(here.app, "status", "rollback", "phase")) == (1, "Quarantined")


def test_what_goes_back_keeps_the_replicas_that_an_autoscaler_has_set() -> None:
    bad, good = (put(put(rollout(), ("spec", "template", "v"), number), SCALED, 2) for number in (2, 1))
    scaler = thing("HorizontalPodAutoscaler", api="autoscaling/v2", spec={"scaleTargetRef": TARGET})
    here = quarantined(bad, good, scaler)
    here.has(put(here.objects["Rollout", "production", "api"], SCALED, 7))
    here.play()
    assert image(here) == 1
    assert get(here.objects["Rollout", "production", "api"], *SCALED) == 7
    assert not any("QuarantineDrift" in one for one in said(here))


def test_a_revert_is_asked_for_with_the_others_on_the_branch_in_mind() -> None:
    """They may be made of the same files."""
    bad, good = (put(rollout(), ("spec", "template", "v"), number) for number in (2, 1))
    here = quarantined(bad, good)
    here.app = put(here.app, ("spec", "rollback", "git"), {"signing": {"type": "none"}})
    near, far = (put(raw_app(name=name), ("metadata", "uid"), name) for name in ("web", "far"))
    far["spec"]["source"] = {**far["spec"]["source"], "targetRevision": "staging"}
    plain = here.answer
    everybody = (here.app, near, far)
    here.answer = lambda need: Known(everybody) if isinstance(need, Outline) else plain(need)  # type: ignore[method-assign]
    here.look()
    (question,) = (need for need in here.asked if isinstance(need, Reverted))
    assert [one.name for one in question.beside] == ["web"]


@pytest.mark.parametrize(("mine", "good"), [("Synced", True), ("OutOfSync", False)])
def test_a_release_is_known_to_be_good_whatever_else_its_parent_has_to_bring(mine: str, good: bool) -> None:
    """A ConfigMap beside it, say, or another Application that nobody syncs."""
    here = app(syncPolicy=AUTOMATED, rollback={"enabled": True})
    tracked = {"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": ID_OF_API}}}
    own = {"group": "argoproj.io", "kind": "Application", "namespace": "argocd", "name": "api-prod"}
    sync = {"status": "OutOfSync", "revision": COMMIT}
    here.app = merged(here.app, tracked)
    source = {**get(here.app, "spec", "source"), "path": "apps"}
    here.has(
        raw_app(name="root", source=source, status={"sync": sync, "resources": [own | {"status": mine}]})
    )
    here.git, here.served = (rollout(),), {*KINDS, "Rollout"}
    well = {"phase": "Healthy", "stableRS": "1", "currentPodHash": "1"}
    here.has(desired(rollout(), "api-prod", "production", namespaced=True) | {"status": well})
    here.play()
    assert bool(get(here.app, "status", "lastKnownGood")) is good


def test_nothing_is_reverted_on_a_branch_that_the_application_has_left() -> None:
    bad, good = (put(rollout(), ("spec", "template", "v"), number) for number in (2, 1))
    here = quarantined(bad, good)
    unsigned = {"enabled": True, "git": {"signing": {"type": "none"}}}
    here.app = merged(here.app, {"spec": {"rollback": unsigned, "source": {"targetRevision": "other"}}})
    here.play()
    assert not any(isinstance(need, Reverted) for need in here.asked)
    (told,) = (one for one in said(here) if one.startswith("RevertPending"))
    assert told.startswith(
        "RevertPending: spec.source is no more https://github.com/myorg/infrastructure main"
    )
