from __future__ import annotations

from typing import Any

import pytest

from tidegate.kube.store import Store


def raw(name: str, version: int, owner: str = "", namespace: str = "shop") -> dict[str, Any]:
    owners = {"ownerReferences": [{"uid": owner, "controller": True}]} if owner else {}
    return {"metadata": {"namespace": namespace, "name": name, "resourceVersion": str(version)} | owners}


@pytest.fixture
def store() -> Store:
    store = Store()
    store.expect("pods")
    store.replace("pods", [raw("a", 3), raw("b", 4)], 5)
    return store


def names(store: Store) -> list[str]:
    return [r["metadata"]["name"] for r in store.listed("pods")]


def test_an_event_older_than_our_own_write_is_not_taken(store: Store) -> None:
    store.put("pods", raw("a", 9))
    assert not store.put("pods", raw("a", 8))
    assert store.get("pods", "shop", "a") == raw("a", 9)


def test_versions_are_compared_as_numbers(store: Store) -> None:
    assert store.put("pods", raw("a", 10))
    assert not store.put("pods", raw("a", 9))


def test_the_echo_of_our_own_write_is_no_change(store: Store) -> None:
    told: list[object] = []
    store.put("pods", raw("a", 9))
    store.changed.append(lambda *change: told.append(change))
    store.put("pods", raw("a", 9))
    assert told == []


def test_an_answer_that_comes_after_the_deletion_does_not_bring_the_object_back(store: Store) -> None:
    store.remove("pods", raw("a", 8))
    store.advance("pods", 8)
    assert not store.put("pods", raw("a", 7))
    assert names(store) == ["b"]


def test_an_object_made_anew_under_the_name_is_taken(store: Store) -> None:
    store.remove("pods", raw("a", 8))
    store.advance("pods", 8)
    assert store.put("pods", raw("a", 9))


def test_a_late_deletion_spares_the_namesake_that_followed(store: Store) -> None:
    store.put("pods", raw("a", 9))
    store.remove("pods", raw("a", 8))
    assert names(store) == ["a", "b"]


def test_a_relist_drops_what_is_not_in_it(store: Store) -> None:
    store.replace("pods", [raw("b", 4)], 7)
    assert names(store) == ["b"]


def test_a_relist_older_than_our_own_creation_spares_it(store: Store) -> None:
    store.put("pods", raw("c", 9))
    store.replace("pods", [raw("a", 3), raw("b", 4)], 8)
    assert names(store) == ["a", "b", "c"]


def test_a_server_whose_history_was_reset_is_believed(store: Store) -> None:
    store.put("pods", raw("a", 900))
    store.advance("pods", 900)
    store.replace("pods", [raw("a", 2)], 2)
    assert store.get("pods", "shop", "a") == raw("a", 2)


def test_children_are_found_by_their_owner_and_orphans_by_none(store: Store) -> None:
    store.put("pods", raw("c", 8, owner="u1"))
    assert [r["metadata"]["name"] for r in store.owned("pods", "shop", "u1")] == ["c"]
    assert [r["metadata"]["name"] for r in store.owned("pods", "shop", "")] == ["a", "b"]


def test_an_adopted_child_changes_hands(store: Store) -> None:
    store.put("pods", raw("a", 8, owner="u1"))
    assert [r["metadata"]["name"] for r in store.owned("pods", "shop", "")] == ["b"]


def test_a_kind_that_was_refused_forgets_its_objects(store: Store) -> None:
    store.refuse("pods", "not served")
    assert (names(store), store.synced("pods"), store.refused("pods")) == ([], False, "not served")


def test_a_change_tells_what_was_and_what_is(store: Store) -> None:
    told: list[object] = []
    store.changed.append(lambda *change: told.append(change))
    store.put("pods", raw("a", 9))
    store.remove("pods", raw("a", 10))
    assert told == [("pods", raw("a", 3), raw("a", 9)), ("pods", raw("a", 9), None)]
