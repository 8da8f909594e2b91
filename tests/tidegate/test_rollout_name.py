"""Two ReplicaSets cannot have one name: the later one takes the next hash."""

from __future__ import annotations

from crds.paths import put
from crds.refs import REPLICA_SET, Ref
from rollouts.podhash import pod_template_hash
from tests.tidegate.test_rollout_planner import NOW, PLANNER, Raw, brief, hash_of, mesh, planned, replica_set
from tidegate.planners.needs import Answer, Known, Need, Object, Owned
from tidegate.planners.plan import Create, Plan, Record

ALIEN = put(replica_set(brief(), 3, owned=False), ("metadata", "ownerReferences"), [{"uid": "u9"}])


def named(raw: Raw) -> Object:
    return Object(Ref(REPLICA_SET, "production", f"api-{hash_of(raw)}"))


def taken(raw: Raw, by: Raw = ALIEN) -> Plan:
    found: dict[Need, Answer] = {**mesh(), named(raw): Known(by)}
    return planned(raw, found=found)


def created(plan: Plan) -> list[str]:
    return [write.ref.name for write in plan.writes if isinstance(write, Create)]


def test_a_name_that_is_anothers_counts_one_collision_and_writes_nothing_else() -> None:
    (record,) = taken(brief()).writes
    assert isinstance(record, Record)
    assert (record.patch, record.version) == ({"collisionCount": 1}, "7")


def test_the_next_collision_is_counted_on() -> None:
    raw = brief(collisionCount=1)
    second = pod_template_hash(raw["spec"]["template"], 1)
    found = {**mesh(), Object(Ref(REPLICA_SET, "production", f"api-{second}")): Known(ALIEN)}
    (record,) = planned(raw, found=found).writes
    assert isinstance(record, Record)
    assert record.patch == {"collisionCount": 2}


def test_after_a_collision_the_replica_set_is_created_under_the_next_hash() -> None:
    raw = brief(collisionCount=1)
    next_hash = pod_template_hash(raw["spec"]["template"], 1)
    assert created(planned(raw)) == [f"api-{next_hash}"] != [f"api-{hash_of(raw)}"]


def test_a_name_that_is_about_to_be_free_is_waited_for() -> None:
    going = put(ALIEN, ("metadata", "deletionTimestamp"), "2026-03-01T11:59:59Z")
    assert not any("collisionCount" in w.patch for w in taken(brief(), going).writes if isinstance(w, Record))


def test_our_own_replica_set_is_no_collision() -> None:
    plan = planned(brief(), replica_set(brief(), 10))
    assert not any("collisionCount" in w.patch for w in plan.writes if isinstance(w, Record))


def test_the_name_is_looked_up_only_while_the_replica_set_is_missing() -> None:
    raw = brief()
    asked = PLANNER.needs(raw, {}, NOW)
    empty: dict[Need, Answer] = {need: Known(()) for need in asked if isinstance(need, Owned)}
    assert named(raw) in PLANNER.needs(raw, empty, NOW)
    ours = Owned(REPLICA_SET, "production", "u1")
    assert named(raw) not in PLANNER.needs(raw, {**empty, ours: Known((replica_set(raw, 10),))}, NOW)


def test_a_count_that_a_person_wrote_wrongly_stops_nothing() -> None:
    assert created(planned(brief(collisionCount=-1)))
