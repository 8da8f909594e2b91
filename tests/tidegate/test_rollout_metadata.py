"""canaryMetadata and stableMetadata: who carries what, and that no pod is missed."""

from __future__ import annotations

from typing import Any

import pytest

from crds.ephemeral import EPHEMERAL
from crds.paths import get, put
from crds.refs import ANALYSIS_RUN, REPLICA_SET
from rollouts.podhash import step_hash
from tests.tidegate.test_rollout_planner import (
    LABEL,
    NOW,
    PLANNER,
    Raw,
    brief,
    hash_of,
    mesh,
    planned,
    replica_set,
)
from tidegate.planners.needs import Answer, Known, Need, Owned, Pods
from tidegate.planners.plan import Create, MergePatch, Plan
from tidegate.planners.rollout_metadata import WAS
from tidegate.views.templates import undone

CANARY = ("spec", "strategy", "canary")
STABLE_SAYS = {"labels": {"part": "stable"}}
CANARY_SAYS = {"labels": {"part": "canary"}, "annotations": {"look": "here"}}
V1, V2 = "myregistry/api:v1", "myregistry/api:v2"


def parts(image: str) -> Raw:
    raw = put(brief(image), (*CANARY, "canaryMetadata"), CANARY_SAYS)
    return dict(put(raw, (*CANARY, "stableMetadata"), STABLE_SAYS))


def carrying(raw: Raw, said: str, **labels: str) -> Raw:
    """A ReplicaSet whose template and annotation have these labels."""
    raw = put(raw, ("metadata", "annotations", EPHEMERAL), said)
    own = raw["spec"]["template"]["metadata"]["labels"]
    return dict(put(raw, ("spec", "template", "metadata", "labels"), own | labels))


def stable_set(said: str = '{"labels":{"part":"stable"}}', **labels: str) -> Raw:
    return carrying(replica_set(brief(V1), 9), said, **(labels or {"part": "stable"}))


def canary_set() -> Raw:
    said = '{"labels":{"part":"canary"},"annotations":{"look":"here"}}'
    made = carrying(replica_set(brief(V2), 1, 2), said, part="canary")
    return dict(put(made, ("spec", "template", "metadata", "annotations"), {"look": "here"}))


def midway(*sets: Raw, image: str = V2, pods: tuple[Raw, ...] | None = None) -> Plan:
    """v2 on its way from v1, unless another image is asked for."""
    raw = parts(image)
    steps = step_hash(raw["spec"]["strategy"]["canary"]["steps"])
    status = {"stableRS": hash_of(brief(V1)), "currentPodHash": hash_of(raw), "currentStepHash": steps}
    raw, found = {**raw, "status": status}, mesh(0, hash_of(brief(V1)), hash_of(brief(V2)))
    if pods is not None:
        (need,) = listed(raw, sets, found)
        found |= {need: Known(pods)}
    return planned(raw, *sets, found=found)


def listed(raw: Raw, sets: tuple[Raw, ...], found: dict[Need, Answer]) -> list[Pods]:
    answers: dict[Need, Answer] = {
        Owned(REPLICA_SET, "production", "u1"): Known(sets),
        Owned(REPLICA_SET, "production", ""): Known(()),
        Owned(ANALYSIS_RUN, "production", "u1"): Known(()),
        **found,
    }
    return [need for need in PLANNER.needs(raw, answers, NOW) if isinstance(need, Pods)]


def patched(plan: Plan, kind: str) -> list[tuple[str, Raw]]:
    said = [w for w in plan.writes if isinstance(w, MergePatch) and w.ref.kind.kind == kind]
    about = [w for w in said if "part" in str(w.body) or WAS in str(w.body)]
    return [(w.ref.name, w.body) for w in about]


def pod(name: str, image: str = V1, **labels: str) -> Raw:
    owner = {"uid": f"rs-{hash_of(brief(image))}", "controller": True}
    return {"metadata": {"name": name, "uid": f"u-{name}", "labels": labels, "ownerReferences": [owner]}}


def test_a_canary_is_born_with_its_metadata_and_its_hash_is_of_the_author_alone() -> None:
    made = next(w for w in midway(stable_set()).writes if isinstance(w, Create))
    assert made.ref.name == f"api-{hash_of(brief(V2))}"
    assert made.body["spec"]["template"]["metadata"]["labels"]["part"] == "canary"
    assert made.body["spec"]["template"]["metadata"]["annotations"] == {"look": "here"}
    said = '{"labels":{"part":"canary"},"annotations":{"look":"here"}}'
    assert made.body["metadata"]["annotations"][EPHEMERAL] == said
    assert "part" not in made.body["spec"]["selector"]["matchLabels"]


def test_the_first_revision_of_all_is_stable_from_the_start() -> None:
    made = next(w for w in planned(parts(V1)).writes if isinstance(w, Create))
    assert made.body["spec"]["template"]["metadata"]["labels"]["part"] == "stable"


def test_where_all_carry_what_they_should_no_pod_is_listed() -> None:
    assert patched(midway(stable_set(), canary_set()), "ReplicaSet") == []


def test_a_replica_set_gets_template_annotation_and_a_note_of_what_was_in_one_write() -> None:
    ((name, body),) = patched(midway(replica_set(brief(V1), 9), canary_set()), "ReplicaSet")
    assert name == f"api-{hash_of(brief(V1))}"
    assert body == {
        "metadata": {"annotations": {EPHEMERAL: '{"labels":{"part":"stable"}}', WAS: "{}"}},
        "spec": {"template": {"metadata": {"labels": {"part": "stable"}}}},
    }


def test_a_canary_that_became_stable_changes_its_part() -> None:
    promoted = put(
        parts(V2), ("status",), {"stableRS": hash_of(brief(V2)), "currentPodHash": hash_of(brief(V2))}
    )
    ((_, body),) = patched(
        planned(promoted, canary_set(), found=mesh(0, hash_of(brief(V2)), hash_of(brief(V2)))), "ReplicaSet"
    )
    assert body["spec"]["template"]["metadata"] == {"labels": {"part": "stable"}, "annotations": None}
    was = '{"labels":{"part":"canary"},"annotations":{"look":"here"}}'
    assert body["metadata"]["annotations"][WAS] == was


def test_a_revision_without_a_part_gives_its_metadata_back() -> None:
    left = put(canary_set(), ("metadata", "labels", LABEL), "left")
    left = put(left, ("metadata", "name"), "api-left")
    bodies = dict(patched(midway(stable_set(), canary_set(), left), "ReplicaSet"))
    assert bodies["api-left"]["metadata"]["annotations"][EPHEMERAL] is None
    assert bodies["api-left"]["spec"]["template"]["metadata"]["labels"] == {"part": None}


def test_then_each_pod_that_lacks_it_is_set_right_and_the_note_goes() -> None:
    noted = put(stable_set(), ("metadata", "annotations", WAS), '{"labels":{"part":"x","old":"y"}}')
    pods = (
        pod("lacks"),
        pod("has", part="stable"),
        pod("wrong", part="x", old="y", mine="z"),
        pod("alien", V2),
    )
    plan = midway(noted, canary_set(), pods=pods)
    assert patched(plan, "Pod") == [
        ("lacks", {"metadata": {"uid": "u-lacks", "labels": {"part": "stable"}}}),
        ("wrong", {"metadata": {"uid": "u-wrong", "labels": {"old": None, "part": "stable"}}}),
    ]
    ((name, body),) = patched(plan, "ReplicaSet")
    assert (name, body) == (noted["metadata"]["name"], {"metadata": {"annotations": {WAS: None}}})


def test_pods_are_not_looked_at_before_their_controller_knows_the_template() -> None:
    noted = put(stable_set(), ("metadata", "annotations", WAS), "{}")
    fresh = put(put(noted, ("metadata", "generation"), 2), ("status", "observedGeneration"), 1)
    plan = midway(fresh, canary_set())
    assert patched(plan, "Pod") == []


def test_what_the_author_wrote_is_never_overwritten() -> None:
    raw = put(parts(V1), ("spec", "template", "metadata", "labels", "part"), "mine")
    made = next(w for w in planned(raw).writes if isinstance(w, Create))
    assert made.body["spec"]["template"]["metadata"]["labels"]["part"] == "mine"
    assert EPHEMERAL not in made.body["metadata"]["annotations"]


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"labels":7}'])
def test_an_annotation_that_cannot_be_read_counts_as_none(broken: str) -> None:
    spoiled = put(replica_set(brief(V1), 9), ("metadata", "annotations", EPHEMERAL), broken)
    ((_, body),) = patched(midway(spoiled, canary_set()), "ReplicaSet")
    assert body["metadata"]["annotations"][EPHEMERAL] == '{"labels":{"part":"stable"}}'


def test_undo_asks_for_the_template_without_it() -> None:
    raw: dict[str, Any] = {**parts(V2), "status": {"currentPodHash": hash_of(brief(V2))}}
    (patch,) = undone(raw, [stable_set(), canary_set()], 1)
    assert get(patch["value"], "metadata", "labels") == {"app": "api"}
