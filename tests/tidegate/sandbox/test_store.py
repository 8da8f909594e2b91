import asyncio
from typing import Any

import pytest

from tests.tidegate.sandbox.worlds import (
    CONFIG_MAPS,
    REPLICA_SETS,
    START,
    config_map,
    create,
    get,
    merge,
    replica_set,
)
from tidegate.kube.http import Request
from tidegate.sandbox.loop import VirtualLoop
from tidegate.sandbox.sender import SandboxSender
from tidegate.sandbox.store import Store


@pytest.fixture
def store() -> Store:
    return Store(lambda: START)


def test_a_patch_that_changes_nothing_keeps_the_version(store: Store) -> None:
    made = create(store, CONFIG_MAPS, config_map("a"))
    again = merge(store, f"{CONFIG_MAPS}/a", {"data": {"key": "value"}})
    assert again.body == made


def test_a_caller_cannot_change_what_is_stored(store: Store) -> None:
    create(store, CONFIG_MAPS, config_map("a"))["data"]["key"] = "mine"
    assert get(store, f"{CONFIG_MAPS}/a")["data"] == {"key": "value"}


def test_pages_show_the_collection_as_it_was_at_the_first(store: Store) -> None:
    for name in "abc":
        create(store, CONFIG_MAPS, config_map(name))
    page = get(store, CONFIG_MAPS, limit="2")
    merge(store, f"{CONFIG_MAPS}/c", {"data": {"key": "later"}})
    token = page["metadata"]["continue"]
    rest = get(store, CONFIG_MAPS, limit="2", **{"continue": token})
    assert [item["data"]["key"] for item in rest["items"]] == ["value"]
    assert rest["metadata"]["resourceVersion"] == page["metadata"]["resourceVersion"]


def test_a_page_from_before_the_compaction_is_gone(store: Store) -> None:
    for name in "abc":
        create(store, CONFIG_MAPS, config_map(name))
    token = get(store, CONFIG_MAPS, limit="2")["metadata"]["continue"]
    store.forget()
    assert store.handle(Request("GET", CONFIG_MAPS, {"continue": token})).status == 410


def test_status_and_spec_are_written_through_their_own_doors(store: Store) -> None:
    create(store, REPLICA_SETS, replica_set("v1", 3))
    merge(store, f"{REPLICA_SETS}/v1", {"status": {"replicas": 7}, "spec": {"replicas": 4}})
    merge(store, f"{REPLICA_SETS}/v1/status", {"status": {"replicas": 2}, "spec": {"replicas": 5}})
    standing = get(store, f"{REPLICA_SETS}/v1")
    assert (standing["spec"]["replicas"], standing["status"]["replicas"]) == (4, 2)


@pytest.mark.parametrize(
    ("request_", "feature"),
    [
        (Request("GET", "/apis/batch/v1/namespaces/a/jobs"), "the path /apis/batch/v1/namespaces/a/jobs"),
        (
            Request("PATCH", f"{CONFIG_MAPS}/a", body={}, content_type="application/apply-patch+yaml"),
            "an apply without a field manager",
        ),
        (Request("GET", CONFIG_MAPS, {"fieldSelector": "data.key=value"}), "the field selector data.key"),
        (Request("GET", CONFIG_MAPS, {"resourceVersionMatch": "Exact"}), "resourceVersionMatch"),
        (Request("DELETE", CONFIG_MAPS), "DELETE on"),
    ],
)
def test_what_is_not_played_is_refused_by_name(store: Store, request_: Request, feature: str) -> None:
    create(store, CONFIG_MAPS, config_map("a"))
    answer = store.handle(request_)
    assert answer.status == 501
    assert feature in answer.body["message"]


async def watched(store: Store, **query: str) -> list[tuple[str, str]]:
    query = {"watch": "true", "timeoutSeconds": "0.01"} | query
    lines = [line async for line in SandboxSender(store).watch(Request("GET", CONFIG_MAPS, query))]
    return [(line["type"], line["object"]["metadata"].get("name", "")) for line in lines]


async def test_a_watch_tells_what_happened_since_and_ends_with_a_bookmark(store: Store) -> None:
    create(store, CONFIG_MAPS, config_map("a"))
    since = str(store.version)
    create(store, CONFIG_MAPS, config_map("b"))
    store.handle(Request("DELETE", f"{CONFIG_MAPS}/a"))
    told = await watched(store, resourceVersion=since, allowWatchBookmarks="true")
    assert told == [("ADDED", "b"), ("DELETED", "a"), ("BOOKMARK", "")]


def test_a_watch_ends_where_its_timer_rings_a_hair_early(store: Store) -> None:
    """As loops ring it, by their clock's resolution; in virtual time none passes by waiting for the rest."""
    loop = VirtualLoop()
    loop.call_at(1 - loop._clock_resolution / 2, lambda: None)  # type: ignore[attr-defined]
    query = {"resourceVersion": str(store.version), "allowWatchBookmarks": "true", "timeoutSeconds": "1"}

    async def first_two() -> list[Any]:
        lines = SandboxSender(store).watch(Request("GET", CONFIG_MAPS, query))
        return [await anext(lines, None), await anext(lines, None)]

    line, none = loop.run_until_complete(first_two())
    loop.close()
    assert (line["type"], none) == ("BOOKMARK", None)


async def test_an_object_that_leaves_the_selection_is_deleted_to_its_watch(store: Store) -> None:
    create(store, CONFIG_MAPS, config_map("a", tier="web"))
    since = str(store.version)
    merge(store, f"{CONFIG_MAPS}/a", {"metadata": {"labels": {"tier": None}}})
    assert await watched(store, resourceVersion=since, labelSelector="tier=web") == [("DELETED", "a")]


async def test_a_watch_hears_of_changes_while_it_waits(store: Store) -> None:
    query = {"watch": "true", "resourceVersion": str(store.version), "timeoutSeconds": "30"}
    lines = SandboxSender(store).watch(Request("GET", CONFIG_MAPS, query))
    first = asyncio.ensure_future(anext(lines))
    await asyncio.sleep(0)
    create(store, CONFIG_MAPS, config_map("late"))
    assert (await first)["object"]["metadata"]["name"] == "late"
    await lines.aclose()


async def test_a_watch_from_before_the_compaction_ends_with_an_error_line(store: Store) -> None:
    create(store, CONFIG_MAPS, config_map("a"))
    store.forget()
    query = {"watch": "true", "resourceVersion": "1"}
    lines = [line async for line in SandboxSender(store).watch(Request("GET", CONFIG_MAPS, query))]
    assert [(line["type"], line["object"]["code"]) for line in lines] == [("ERROR", 410)]
