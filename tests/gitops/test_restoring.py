"""What goes back in the cluster when a release is rejected: all that the good one needs, or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from crds.appproject import EVERYTHING, AppProject, GroupKind
from gitops.actions import Apply
from gitops.compare import Answer, Awaited, Predicted, Refused, Target, Unseen, Unserved
from gitops.objects import key_of
from gitops.plan import Decision, Rendering, World, plan
from gitops.release import Release
from tests.gitops.examples import NOW, app, config, noted, thing
from tests.gitops.test_release import BAD, REJECTED, T, declared, quarantined

Raw = dict[str, Any]
ROLLOUT = thing("Rollout", "api", api="argoproj.io/v1alpha1", spec={"image": "v1"})
BACK = Target(ROLLOUT, declared("api", **REJECTED).live, Predicted(ROLLOUT))
SETTINGS = config(level="1")
NO_CONFIG_MAPS = replace(EVERYTHING, namespace_resource_blacklist=(GroupKind("", "ConfigMap"),))


def settings(answer: Answer, live: Raw | None = None) -> Target:
    """What the good release's pods read."""
    return Target(SETTINGS, live, answer)


def look(*good: Target, **more: Any) -> Decision:
    """At an Application whose Rollout was rejected, and that has this to give back."""
    known = {"rendering": Rendering(T, head=T), "now": NOW, "project": AppProject(EVERYTHING)}
    release = Release(BAD, good)
    targets = (declared("api", **REJECTED),)
    return plan(World(quarantined(), targets=targets, release=release, **{**known, **more}))


def written(found: Decision) -> list[str]:
    return [key_of(one.raw).kind for one in found.actions if isinstance(one, Apply)]


def said(found: Decision) -> list[str]:
    return [one.message for one in found.status.conditions if one.type == "RestoreHeld"]


def test_the_rollout_goes_back_behind_what_its_pods_read() -> None:
    found = look(settings(Predicted(SETTINGS)), BACK)
    assert (written(found), said(found)) == (["ConfigMap", "Rollout"], [])


def test_nothing_goes_back_while_an_answer_is_out_and_that_is_no_news() -> None:
    found = look(settings(Awaited()), BACK)
    assert (written(found), said(found)) == ([], [])


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Refused("configmaps is forbidden"), "configmaps is forbidden"),
        (Unseen("configmaps may not be listed"), "configmaps may not be listed"),
        (Unserved("ConfigMap"), "ConfigMap is not served"),
    ],
    ids=["refused", "unseen", "unserved"],
)
def test_the_rollout_does_not_go_back_without_what_its_pods_read_and_that_is_said(
    answer: Answer, why: str
) -> None:
    found = look(settings(answer), BACK)
    assert written(found) == []
    assert f"ConfigMap production/settings: {why}" in said(found)[0]


def test_what_is_another_applications_by_now_is_not_written_over() -> None:
    theirs = noted(SETTINGS, "tracking-id", "web:/ConfigMap:production/settings")
    found = look(settings(Predicted(SETTINGS), theirs), BACK, others=(app(name="web"),))
    assert written(found) == []
    assert "belongs to Application web" in said(found)[0]


def test_what_the_project_permits_no_more_is_not_written() -> None:
    found = look(settings(Predicted(SETTINGS)), BACK, project=AppProject(NO_CONFIG_MAPS))
    assert written(found) == []
    assert "is not permitted in project" in said(found)[0]
    assert written(look(BACK, project=None)) == []


def test_what_is_there_already_stands_in_nobodys_way() -> None:
    there = settings(Predicted(SETTINGS), SETTINGS)
    assert written(look(there, BACK, project=AppProject(NO_CONFIG_MAPS))) == ["Rollout"]
