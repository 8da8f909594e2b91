"""Which template an undo asks for, and what a new image makes of one."""

from __future__ import annotations

import pytest

from rollouts.podhash import pod_template_hash
from tests.tidegate.views.worlds import Raw, promoted, replica_set, rollout
from tidegate.views.steering import Refused
from tidegate.views.templates import undone, with_images

OLD = replica_set("old", 1, 0, image="v2.0.0")
NEW = replica_set("new", 2, 10)


def wanted(patch: list[Raw]) -> str:
    """The image that a patch asks for."""
    return str(patch[0]["value"]["spec"]["containers"][0]["image"])


def refusal(raw: Raw, *sets: Raw, to_revision: int = 0) -> str:
    with pytest.raises(Refused) as refused:
        undone(raw, sets, to_revision)
    return str(refused.value)


def relabelled(replica: Raw, pod_hash: str) -> Raw:
    labels = {"rollouts-pod-template-hash": pod_hash}
    return replica | {"metadata": replica["metadata"] | {"labels": labels}}


def test_undo_asks_for_the_template_before() -> None:
    assert wanted(undone(promoted(), (OLD, NEW))) == "myregistry/api:v2.0.0"


def test_undo_is_one_replacement_of_the_whole_template() -> None:
    (operation,) = undone(promoted(), (OLD, NEW))
    assert (operation["op"], operation["path"]) == ("replace", "/spec/template")


def test_undo_leaves_the_hash_to_the_controller_and_keeps_other_labels() -> None:
    old = replica_set("old", 1, 0)
    old["spec"]["template"]["metadata"] = {"labels": {"app": "api", "rollouts-pod-template-hash": "old"}}
    assert undone(promoted(), (old, NEW))[0]["value"]["metadata"] == {"labels": {"app": "api"}}


def test_undo_goes_to_the_revision_named() -> None:
    sets = (OLD, NEW, replica_set("newer", 3, 1, image="v2.2.0"))
    assert wanted(undone(promoted(currentPodHash="newer"), sets, 1)) == "myregistry/api:v2.0.0"


def test_an_undo_is_undone_by_another() -> None:
    again = replica_set("old", 3, 10, image="v2.0.0")
    raw = promoted(currentPodHash="old")
    raw["spec"]["template"] = OLD["spec"]["template"]
    assert wanted(undone(raw, (again, NEW))) == "myregistry/api:v2.1.0"


def test_a_template_just_applied_is_not_the_one_to_go_back_to() -> None:
    raw = rollout(observedGeneration="1", currentPodHash="old")
    new = relabelled(NEW, pod_template_hash(raw["spec"]["template"]))
    assert wanted(undone(raw, (OLD, new))) == "myregistry/api:v2.0.0"


def test_undo_of_a_template_the_controller_has_not_seen_waits_for_it() -> None:
    raw = rollout(observedGeneration="1", spec={"template": {"spec": {"containers": []}}})
    assert "has not seen that yet" in refusal(raw, OLD, NEW)


def test_undo_of_an_invalid_spec_goes_to_what_ran_last() -> None:
    raw = promoted(message="InvalidSpec: spec.replicas: -1 is below 0", phase="Degraded")
    raw["spec"]["template"] = {"spec": {"containers": []}}
    assert wanted(undone(raw, (OLD, NEW))) == "myregistry/api:v2.1.0"


def test_a_revision_that_is_not_there_is_answered_with_those_that_are() -> None:
    assert refusal(promoted(), NEW, OLD, to_revision=7) == (
        "rollout 'api' has no revision 7. There are: 1 (myregistry/api:v2.0.0); 2 (myregistry/api:v2.1.0)."
    )


def test_the_present_revision_is_left_as_it_is() -> None:
    assert refusal(promoted(), OLD, NEW, to_revision=2) == (
        "rollout 'api' was left as it is: its template is that of revision 2 already."
        " There are: 1 (myregistry/api:v2.0.0); 2 (myregistry/api:v2.1.0)."
    )


def test_a_first_revision_has_nothing_before_it() -> None:
    assert "has no earlier revision to go back to. There are: 2 (myregistry/api:v2.1.0)." in refusal(
        promoted(), NEW
    )


def test_what_others_own_is_no_revision() -> None:
    stranger = replica_set("old", 1, 0)
    stranger["metadata"]["ownerReferences"][0]["uid"] = "another"
    assert "has no earlier revision" in refusal(promoted(), NEW, stranger)


def test_undo_of_a_referenced_workload_names_the_command_that_does_it() -> None:
    raw = rollout(spec={"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}})
    assert "kubectl rollout undo deployment/web -n production" in refusal(raw, OLD, NEW)


def containers(**images: str) -> Raw:
    listed = [{"name": name, "image": image, "env": []} for name, image in images.items()]
    return rollout(spec={"template": {"spec": {"containers": listed, "initContainers": [{"name": "db"}]}}})


def images(raw: Raw) -> list[str]:
    spec = raw["spec"]["template"]["spec"]
    return [one.get("image", "") for one in (*spec["initContainers"], *spec["containers"])]


def test_an_image_is_set_in_its_container_alone() -> None:
    assert images(with_images(containers(api="a:1", log="l:1"), {"api": "a:2"})) == ["", "a:2", "l:1"]


def test_a_star_means_every_container_not_named() -> None:
    assert images(with_images(containers(api="a:1", log="l:1"), {"*": "x:2", "log": "l:2"})) == [
        "x:2",
        "x:2",
        "l:2",
    ]


def test_nothing_else_of_the_rollout_is_touched() -> None:
    raw = containers(api="a:1")
    assert with_images(raw, {"api": "a:1"}) == raw


def test_a_container_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(Refused, match="rollout 'api' has no container 'apo'; it has db, api, log"):
        with_images(containers(api="a:1", log="l:1"), {"apo": "a:2"})


def test_an_image_of_a_referenced_workload_names_the_command_that_sets_it() -> None:
    raw = rollout(spec={"workloadRef": {"kind": "Deployment", "name": "web"}})
    with pytest.raises(Refused, match="kubectl set image deployment/web CONTAINER=IMAGE -n production"):
        with_images(raw, {"api": "a:2"})
