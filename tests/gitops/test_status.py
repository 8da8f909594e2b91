"""A status says what was seen, and is written only when that is something new."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from crds.application import parse
from crds.application_status import (
    Operation,
    OperationState,
    ResourceResult,
    SyncOperation,
    SyncResource,
    SyncResult,
)
from crds.paths import get
from gitops.compare import Compared, Comparison
from gitops.ending import begun, succeeded
from gitops.images import images, names
from gitops.objects import Key
from gitops.status import Look, patch, status
from gitops.wellness import Health
from tests.crds.applications import merged
from tests.gitops.examples import NOW, REVISION, deployment, raw_app, thing

Raw = dict[str, Any]
ONE = Compared(Key("apps", "Deployment", "production", "api"), "v1", "OutOfSync", Health("Missing"))
SEEN = Comparison((ONE,), Health("Healthy"))
LOOK = Look(REVISION, NOW, SEEN, images=("api:v1",), source_type="Kustomize", home="argocd")


def written(raw: Raw, look: Look) -> Raw:
    """The object after the patch of this look."""
    application = parse(raw)
    changes = patch(raw, application, status(application, look), look.now)
    return raw | {"status": without_nulls(merged(raw["status"], changes))}


def without_nulls(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: without_nulls(value) for key, value in tree.items() if value is not None}
    return tree


def ended(**sync: Any) -> OperationState:
    state = begun(Operation(SyncOperation(REVISION, **sync)), NOW)
    return succeeded(replace(state, sync_result=SyncResult(REVISION)), "done", NOW)


def test_what_was_seen_stands_in_the_status() -> None:
    found = written(raw_app(), LOOK)["status"]
    assert found["sync"]["status"] == "OutOfSync"
    assert found["sync"]["revision"] == REVISION
    assert found["sync"]["comparedTo"]["destination"]["namespace"] == "production"
    assert found["health"] == {"status": "Healthy", "lastTransitionTime": "2026-03-15T10:30:00Z"}
    assert found["resources"] == [
        {
            "group": "apps",
            "version": "v1",
            "kind": "Deployment",
            "namespace": "production",
            "name": "api",
            "status": "OutOfSync",
            "health": {"status": "Missing"},
        }
    ]
    assert (found["summary"], found["sourceType"]) == ({"images": ["api:v1"]}, "Kustomize")


def test_a_look_that_finds_nothing_new_writes_nothing() -> None:
    raw = written(raw_app(), LOOK)
    application = parse(raw)
    later = replace(LOOK, now=NOW + timedelta(hours=1))
    assert patch(raw, application, status(application, later), later.now) == {}


def test_the_time_of_a_look_moves_only_with_something_else() -> None:
    raw = written(raw_app(), LOOK)
    later = replace(LOOK, now=NOW + timedelta(hours=1), revision="newer")
    assert written(raw, LOOK)["status"]["reconciledAt"] == "2026-03-15T10:30:00Z"
    assert written(raw, later)["status"]["reconciledAt"] == "2026-03-15T11:30:00Z"


def test_health_keeps_the_time_of_its_last_turn() -> None:
    raw = written(raw_app(), LOOK)
    again = replace(LOOK, now=NOW + timedelta(hours=1), comparison=Comparison((), Health("Healthy")))
    turned = replace(again, comparison=Comparison((), Health("Degraded")))
    assert written(raw, again)["status"]["health"]["lastTransitionTime"] == "2026-03-15T10:30:00Z"
    assert written(raw, turned)["status"]["health"]["lastTransitionTime"] == "2026-03-15T11:30:00Z"


def test_a_condition_keeps_its_time_and_goes_with_its_cause() -> None:
    raw = written(raw_app(), replace(LOOK, conditions=(("SyncError", "no"),)))
    later = replace(LOOK, now=NOW + timedelta(hours=1), conditions=(("SyncError", "no"), ("A", "b")))
    assert written(raw, later)["status"]["conditions"] == [
        {"type": "A", "message": "b", "lastTransitionTime": "2026-03-15T11:30:00Z"},
        {"type": "SyncError", "message": "no", "lastTransitionTime": "2026-03-15T10:30:00Z"},
    ]
    assert written(raw, LOOK)["status"]["conditions"] == []


def test_what_could_not_be_compared_is_unknown_and_its_objects_stay_listed() -> None:
    raw = written(raw_app(), LOOK)
    found = written(raw, replace(LOOK, comparison=None, conditions=(("ComparisonError", "bad YAML"),)))[
        "status"
    ]
    assert (found["sync"]["status"], found["health"]["status"]) == ("Unknown", "Unknown")
    assert len(found["resources"]) == 1


def test_nothing_is_said_while_answers_are_out() -> None:
    raw = written(raw_app(), LOOK)
    found = written(raw, replace(LOOK, comparison=Comparison((), Health("Healthy"), pending=True)))
    assert found["status"]["sync"]["status"] == "OutOfSync"


def test_a_whole_sync_that_succeeded_goes_into_the_history() -> None:
    raw = written(raw_app(), replace(LOOK, state=ended()))
    (entry,) = raw["status"]["history"]
    assert entry["revision"] == REVISION
    assert entry["deployedAt"] == "2026-03-15T10:30:00Z"
    assert len(written(raw, replace(LOOK, state=ended()))["status"]["history"]) == 1


def test_a_sync_of_some_objects_does_not() -> None:
    some = ended(resources=(SyncResource("Service", "api"),))
    assert "history" not in written(raw_app(), replace(LOOK, state=some))["status"]
    assert "history" not in written(raw_app(), replace(LOOK, state=ended(dry_run=True)))["status"]


def test_the_history_is_as_long_as_its_limit_and_old_entries_are_left_as_they_are() -> None:
    old = [{"id": at, "revision": f"r{at}", "deployedBy": "argo"} for at in range(3)]
    raw = raw_app(revisionHistoryLimit=2, status={"history": old})
    history = written(raw, replace(LOOK, state=ended()))["status"]["history"]
    assert [one["id"] for one in history] == [2, 3]
    assert history[0] == old[2]


def test_a_field_of_the_status_that_we_do_not_know_stays() -> None:
    raw = raw_app(status={"fromTheFuture": 1})
    assert written(raw, LOOK)["status"]["fromTheFuture"] == 1


def test_we_remember_that_we_were_the_first_to_sync_it() -> None:
    assert written(raw_app(), LOOK)["status"]["tidegate"] == {"firstSynced": "here"}
    argos = raw_app(status={"sync": {"status": "Synced"}})
    assert "tidegate" not in written(argos, LOOK)["status"]


def test_a_state_comes_back_from_the_api_server_as_it_was_written() -> None:
    raw = written(raw_app(), replace(LOOK, state=ended()))
    assert parse(raw).status.operation_state == ended()
    assert get(msgspec.json.decode(msgspec.json.encode(raw)), "status") == raw["status"]


def test_images_are_found_in_every_kind_of_pod() -> None:
    pod = thing("Pod", spec={"initContainers": [{"image": "init:v1"}]})
    template = {"spec": {"containers": [{"image": "r.io:5000/job@sha256:a"}]}}
    cron = thing("CronJob", spec={"jobTemplate": {"spec": {"template": template}}})
    found = images([deployment(), pod, cron])
    assert found == ("api:v1", "init:v1", "r.io:5000/job@sha256:a")
    assert names(found) == {"api", "init", "r.io:5000/job"}


def test_what_argo_cds_crd_requires_is_written_though_it_be_empty() -> None:
    """Its API server would refuse the whole patch."""
    one = ResourceResult(version="v1", kind="Namespace", name="production")
    state = replace(ended(), sync_result=SyncResult(REVISION, resources=(one,)))
    told = written(raw_app(), replace(LOOK, state=state))["status"]
    assert told["history"][0]["id"] == 0
    (said,) = told["operationState"]["syncResult"]["resources"]
    assert (said["group"], said["namespace"]) == ("", "")
