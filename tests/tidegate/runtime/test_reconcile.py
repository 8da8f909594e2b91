from __future__ import annotations

import asyncio
import math
from datetime import timedelta

import msgspec
import pytest

from crds.errors import Invalid, Retry
from crds.paths import get
from crds.refs import CONFIG_MAP, REPLICA_SET, ROLLOUT, Ref
from tests.tidegate.kube.fake import status
from tests.tidegate.kube.waiting import until
from tests.tidegate.runtime.worlds import START, Raw, Toy, World, config, path, rollout, world
from tidegate.kube.errors import Unreachable
from tidegate.kube.http import Request, Response
from tidegate.planners.needs import (
    Absent,
    Answer,
    Answers,
    Failed,
    Known,
    Need,
    Noticed,
    Object,
    Owned,
    Pending,
    Pods,
    Pruned,
    Reached,
    Refusal,
    known,
)
from tidegate.planners.plan import Create, Delete, Event, MergePatch, Plan, Record
from tidegate.sandbox.resources import ROLLOUTS

ANY = rollout()


def record(raw: Raw, **patch: object) -> Plan:
    """Write the patch into the status, unless it is there."""
    meta = raw["metadata"]
    ref = Ref(ROLLOUT, meta["namespace"], meta["name"])
    if all(get(raw, "status", key) == value for key, value in patch.items()):
        return Plan()
    return Plan((Record(ref, patch, meta["resourceVersion"]),))


def quiet(_raw: Raw, _answers: Answers) -> Plan:
    return Plan()


async def test_one_status_write_makes_one_round_more_and_then_peace() -> None:
    toy = Toy(lambda raw, _: record(raw, phase="Healthy"))
    async with world({ROLLOUT: toy}, objects=[ANY]) as w:
        await until(lambda: len(toy.rounds) == 2)
        await w.settled()
        assert len(w.writes("/status")) == 1
        assert get(w.read(ANY), "status", "phase") == "Healthy"
    assert len(toy.rounds) == 2


async def test_what_a_plan_noticed_is_told_to_the_next_though_its_write_failed() -> None:
    missing = MergePatch(ANY._replace(name="missing"), {})
    toy = Toy(
        lambda raw, _: Plan((missing,), noticed=get(raw, "metadata", "uid")),
        needs=lambda _raw, _answers: (Noticed(ANY),),
    )
    async with world({ROLLOUT: toy}, objects=[ANY]) as w:
        await until(lambda: len(toy.rounds) >= 2)
        uid = get(w.read(ANY), "metadata", "uid")
    assert [answers[Noticed(ANY)] for answers in toy.rounds[:2]] == [Absent(), Known(uid)]


async def test_a_person_who_patched_status_first_is_read_before_it_is_written() -> None:
    def plan(raw: Raw, _: Answers) -> Plan:
        return record(raw, phase="Degraded" if get(raw, "status", "abort") else "Healthy")

    toy = Toy(plan)
    async with world({ROLLOUT: toy}) as w:

        def someone(request: Request) -> Response | None:
            if request.path.endswith("/status") and len(w.writes("/status")) == 1:
                body = {"status": {"abort": True}}
                w.cluster.handle(Request("PATCH", request.path, {}, body, "application/merge-patch+json"))
            return None

        w.sender.before = someone
        w.create(ANY)
        await until(lambda: get(w.read(ANY), "status", "phase") == "Degraded")
        assert w.rounds.failed == []


async def test_a_plan_wakes_itself_when_its_moment_comes() -> None:
    toy = Toy(lambda _raw, _: Plan(wake_at=START + timedelta(seconds=30)))
    async with world({ROLLOUT: toy}, objects=[ANY]) as w:
        await until(lambda: len(toy.rounds) == 1)
        await w.settled()
        w.clock.advance(29)
        await w.settled()
        assert len(toy.rounds) == 1
        w.clock.advance(1)
        await until(lambda: len(toy.rounds) == 2)


async def test_a_change_of_what_was_needed_wakes_who_needed_it() -> None:
    toy = Toy(quiet, lambda _raw, _: (Object(config()),))
    async with world({ROLLOUT: toy}, objects=[ANY, config()]) as w:
        await until(lambda: toy.rounds and isinstance(toy.rounds[-1][Object(config())], Known))
        w.merge(config(), {"data": {"key": "new"}})
        await until(lambda: get(toy.rounds[-1][Object(config())].value, "data", "key") == "new")  # type: ignore[union-attr]


async def test_what_nobody_asked_for_wakes_nobody() -> None:
    toy = Toy(quiet, lambda _raw, _: (Object(config("mine")),))
    async with world({ROLLOUT: toy}, objects=[ANY]) as w:
        await until(lambda: toy.rounds)
        w.create(config("others"))
        await until(lambda: w.store.get(*config("others")))
        await w.settled()
    assert len(toy.rounds) == 1


async def test_a_child_wakes_its_owner_when_it_comes_and_when_it_goes() -> None:
    def needs(raw: Raw, _: Answers) -> tuple[Need, ...]:
        return (Owned(REPLICA_SET, "shop", raw["metadata"]["uid"]),)

    toy = Toy(quiet, needs)
    child = Ref(REPLICA_SET, "shop", "api-1")
    async with world({ROLLOUT: toy}) as w:
        uid = w.create(ANY)["metadata"]["uid"]
        await until(lambda: toy.rounds)
        owner = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "name": "api",
            "uid": uid,
            "controller": True,
        }
        labels = {"app": "api"}
        template = {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "api", "image": "api:v1"}]},
        }
        made = w.create(
            child,
            metadata={"ownerReferences": [owner]},
            spec={"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
        )

        def seen() -> list[Raw]:
            return [
                child
                for known in toy.rounds[-1].values()
                if isinstance(known, Known)
                for child in known.value
            ]

        await until(lambda: len(seen()) == 1)
        await w.executor.perform(Plan((Delete(child, made["metadata"]["uid"]),)), START)
        await until(lambda: seen() == [])


async def test_an_invalid_object_waits_for_its_edit_beside_others_that_go_on() -> None:
    def plan(raw: Raw, _: Answers) -> Plan:
        if get(raw, "spec", "bad"):
            raise Invalid("spec.bad", "remove it")
        return record(raw, phase="Healthy")

    toy = Toy(plan)
    bad, good = rollout("bad"), rollout("good")
    async with world({ROLLOUT: toy}) as w:
        w.create(bad, spec={"bad": True})
        w.create(good)
        await until(lambda: get(w.read(good), "status", "phase") == "Healthy")
        await w.settled()
        assert (w.queue._alarms, w.rounds.failed) == ({}, [])
        w.merge(bad, {"spec": {"bad": None}})
        await until(lambda: get(w.read(bad), "status", "phase") == "Healthy")


async def test_a_retry_comes_after_the_time_it_names() -> None:
    def plan(raw: Raw, _: Answers) -> Plan:
        if len(toy.rounds) < 3:
            raise Retry("the world is not ready", timedelta(milliseconds=1))
        return Plan()

    toy = Toy(plan)
    async with world({ROLLOUT: toy}, objects=[ANY]):
        await until(lambda: len(toy.rounds) == 3)


async def test_an_outage_wakes_who_asks_for_it_when_it_begins_and_ends() -> None:
    toy, need = Toy(quiet, lambda _raw, _: (Reached(CONFIG_MAP),)), Reached(CONFIG_MAP)
    async with world({ROLLOUT: toy}, objects=[ANY]) as w:
        await until(lambda: len(toy.rounds) == 1)
        w.store.reach(CONFIG_MAP, math.inf)
        await until(lambda: len(toy.rounds) == 2)
        w.store.reach(CONFIG_MAP, asyncio.get_running_loop().time() - 5.0)
        await until(lambda: len(toy.rounds) == 3)
    first, away, back = (answers[need] for answers in toy.rounds)
    assert (first, away) == (Absent(), Known(timedelta(0)))
    assert timedelta(seconds=5) <= back.value < timedelta(seconds=10)  # type: ignore[union-attr]


async def test_a_bug_is_backed_off_from_and_counted() -> None:
    def plan(raw: Raw, _: Answers) -> Plan:
        if len(toy.rounds) < 4:
            raise ZeroDivisionError
        return Plan()

    toy = Toy(plan)
    async with world({ROLLOUT: toy}, objects=[ANY]) as w:
        await until(lambda: w.rounds.well == [ANY])
        assert w.rounds.failed == [ANY] * 3


async def test_a_write_without_an_answer_is_planned_anew() -> None:
    toy = Toy(lambda raw, _: record(raw, phase="Healthy"))
    async with world({ROLLOUT: toy}) as w:

        def lost_answer(request: Request) -> Response | None:
            if len(w.writes("/status")) == 1:
                w.cluster.handle(request)
                raise Unreachable("the line broke")
            return None

        w.sender.before = lost_answer
        w.create(ANY)
        await until(lambda: get(w.read(ANY), "status", "phase") == "Healthy" and w.rounds.well)
        await w.settled()
    assert w.rounds.failed == [ANY]


async def test_what_a_worker_was_at_when_it_was_ended_is_read_anew_by_the_next() -> None:
    toy, asked = Toy(lambda raw, _: record(raw, phase="Healthy")), list[str]()
    async with world({ROLLOUT: toy}, workers=0) as w:
        send, reached = w.sender.send, asyncio.Event()

        async def silent(request: Request) -> Response:
            if not request.path.endswith("/status"):
                return await send(request)
            reached.set()
            await asyncio.Event().wait()
            raise AssertionError("nobody answers")

        async def heard(request: Request) -> Response:
            asked.append(request.method)
            return await send(request)

        w.create(ANY)
        w.sender.send = silent  # type: ignore[method-assign]
        await ended_once(w, reached)
        w.sender.send = heard  # type: ignore[method-assign]
        worker = asyncio.create_task(w.reconciler.work())
        await until(lambda: get(w.read(ANY), "status", "phase") == "Healthy")
        worker.cancel()
    assert asked[:2] == ["GET", "PATCH"]


async def ended_once(w: World, reached: asyncio.Event) -> None:
    """A worker that is told to end as it has come that far."""
    worker = asyncio.create_task(w.reconciler.work())
    await reached.wait()
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def test_nothing_that_was_refused_waits_longer_than_half_a_minute() -> None:
    async with world({ROLLOUT: Toy(quiet)}) as w:
        assert max(w.queue.retry(ANY) for _ in range(40)) == 30


async def test_the_first_refused_write_stops_the_plan() -> None:
    def plan(raw: Raw, _: Answers) -> Plan:
        version = raw["metadata"]["resourceVersion"]
        return Plan((MergePatch(config("absent"), {"data": {}}), Record(ANY, {"phase": "Healthy"}, version)))

    toy = Toy(plan)
    async with world({ROLLOUT: toy}, objects=[ANY]) as w:
        await until(lambda: len(w.rounds.failed) > 2)
        assert w.writes("/status") == []


async def test_a_write_refused_for_good_is_known_to_the_next_plan_until_it_passes() -> None:
    def plan(raw: Raw, answers: Answers) -> Plan:
        why = answers[Refusal(ANY)]
        told = record(raw, trouble=why.value if isinstance(why, Known) else None)
        merge = MergePatch(config(), {"data": {"key": "value"}})
        done = isinstance(why, Absent) and get(raw, "spec", "done")
        return Plan((*told.writes, *(() if done else (merge,))))

    toy = Toy(plan, lambda _raw, _: (Refusal(ANY),))
    async with world({ROLLOUT: toy}, objects=[config()]) as w:
        refusal = Response(403, status(403, "Forbidden", "configmaps is forbidden"))
        w.sender.before = lambda request: refusal if request.path.endswith("/configmaps/c") else None
        w.create(ANY)
        trouble = "MergePatch of ConfigMap shop/c: configmaps is forbidden"
        await until(lambda: get(w.read(ANY), "status", "trouble") == trouble)
        w.sender.before = lambda _request: None
        w.merge(ANY, {"spec": {"done": True}})
        await until(lambda: get(w.read(ANY), "status", "trouble") is None)


async def test_a_field_of_the_status_that_is_not_kept_is_known_to_the_next_plan() -> None:
    def plan(raw: Raw, answers: Answers) -> Plan:
        return record(raw, message=",".join(known(answers, Pruned(ANY), ())) or None, ours={"a": 1})

    toy = Toy(plan, lambda _raw, _: (Pruned(ANY),))
    async with world({ROLLOUT: toy}) as w:
        w.cluster.prunes = {ROLLOUTS: frozenset({"ours"})}
        w.create(ANY)
        await until(lambda: get(w.read(ANY), "status", "message") == "ours")


async def test_objects_of_another_instance_are_left_alone() -> None:
    toy = Toy(quiet)
    async with world({ROLLOUT: toy}) as w:
        label = {"argo-rollouts.argoproj.io/controller-instance-id": "other"}
        w.create(rollout("theirs"), metadata={"labels": label})
        w.create(rollout("ours"))
        await until(lambda: w.rounds.well)
        await w.settled()
    assert w.rounds.well == [rollout("ours")]


async def test_a_deleted_object_is_forgotten() -> None:
    toy = Toy(lambda _raw, _: Plan(wake_at=START + timedelta(hours=1)), lambda _raw, _: (Object(config()),))
    async with world({ROLLOUT: toy}) as w:
        uid = w.create(ANY)["metadata"]["uid"]
        await until(lambda: toy.rounds)
        await w.settled()
        await w.executor.perform(Plan((Delete(ANY, uid),)), START)
        await until(lambda: w.rounds.forgotten == [ANY])
        assert (w.queue._alarms, w.observer._askers) == ({}, {})


async def test_kinds_with_workers_of_their_own_hold_up_no_other() -> None:
    toy = Toy(lambda raw, _: record(raw, seen="yes"))
    async with world({ROLLOUT: toy, CONFIG_MAP: toy}, workers=1) as w:
        w.sender.hangs = lambda request: request.path.endswith("/c/status")
        w.create(config())
        await until(lambda: w.writes("/c/status"))
        w.create(ANY)
        await until(lambda: get(w.read(ANY), "status", "seen") == "yes")


async def test_a_hung_fetch_holds_up_nobody_and_its_answer_wakes() -> None:
    answered = asyncio.Event()

    async def fetch(_: Pods) -> Answer:
        await answered.wait()
        return Known(("pod",))

    need = Pods("shop", (), START)
    toy = Toy(lambda raw, answers: record(raw, seen=type(answers[need]).__name__), lambda _raw, _: (need,))
    async with world({ROLLOUT: toy}, {Pods: fetch}, [ANY, rollout("other")], workers=1) as w:
        await until(lambda: get(w.read(rollout("other")), "status", "seen") == "Pending")
        answered.set()
        await until(lambda: get(w.read(ANY), "status", "seen") == "Known")


async def test_a_fetch_that_nobody_waits_for_any_more_is_given_up() -> None:
    tries: list[asyncio.Task[None] | None] = []

    async def fetch(_: Pods) -> Answer:
        tries.append(asyncio.current_task())
        if len(tries) > 1:
            await asyncio.Event().wait()
        return Failed("not yet")

    need = Pods("shop", (), START)
    toy = Toy(quiet, lambda raw, _: () if get(raw, "spec", "done") else (need,))
    async with world({ROLLOUT: toy}, {Pods: fetch}, [ANY]) as w:
        await until(lambda: len(tries) > 1)
        w.merge(ANY, {"spec": {"done": True}})
        await until(lambda: all(task and task.cancelled() for task in tries))
        assert (w.observer._fetching, w.observer._fetched) == ({}, {})


async def test_one_answer_serves_all_who_ask_and_goes_with_the_last() -> None:
    fetched: list[Pods] = []

    async def fetch(need: Pods) -> Answer:
        fetched.append(need)
        return Known(())

    need = Pods("shop", (), START)
    toy = Toy(quiet, lambda raw, _: () if get(raw, "spec", "done") else (need,))
    both = [rollout("a"), rollout("b")]
    async with world({ROLLOUT: toy}, {Pods: fetch}, both) as w:
        await until(lambda: w.observer._fetched)
        await w.settled()
        for ref in both:
            w.merge(ref, {"spec": {"done": True}})
        await until(lambda: not w.observer._fetched)
    assert fetched == [need]


async def test_a_failed_fetch_is_a_fact_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.runtime.observe.FIRST_RETRY", 0.001)
    answers: list[Answer] = [Failed("down"), Known("up")]

    async def fetch(_: Pods) -> Answer:
        return answers.pop(0)

    need = Pods("shop", (), START)
    toy = Toy(quiet, lambda _raw, _: (need,))
    async with world({ROLLOUT: toy}, {Pods: fetch}, [ANY]):
        await until(lambda: toy.rounds and toy.rounds[-1][need] == Known("up"))
    assert [r[need] for r in toy.rounds] in (
        [Pending(), Failed("down"), Known("up")],
        [Pending(), Known("up")],
    )


async def test_a_kind_that_is_not_served_is_a_failed_need() -> None:
    need = Object(config())
    toy = Toy(quiet, lambda _raw, _: (need,))
    async with world({ROLLOUT: toy}, objects=[ANY]) as w:
        await until(lambda: toy.rounds and toy.rounds[-1][need] == Absent())
        w.store.refuse(need.ref.kind, "configmaps: not found")
        await until(lambda: toy.rounds[-1][need] == Failed("configmaps: not found"))


async def test_an_event_is_told_once_however_often_it_is_said() -> None:
    async with world({ROLLOUT: Toy(quiet)}, objects=[ANY]) as w:
        about = w.read(ANY)
        plan = Plan(events=(Event(about, "RolloutPaused", "waits for you"),))
        await w.executor.perform(plan, START)
        await w.executor.perform(plan, START)
        await w.settled()
        told = w.cluster.handle(Request("GET", "/api/v1/namespaces/shop/events")).body["items"]
    (paused,) = [one for one in told if one["reason"] == "RolloutPaused"]
    assert paused["involvedObject"]["uid"] == about["metadata"]["uid"]


async def test_what_was_recorded_is_told_though_a_later_write_is_refused() -> None:
    """An eviction that a disruption budget forbids comes after the status, and after its news."""
    async with world({}) as w:
        w.create(ANY)
        raw = w.read(ANY)
        forbidden = MergePatch(config("absent"), {})
        event = Event(raw, "RolloutStepCompleted", "Rollout step 1/2 completed")
        plan = Plan((*record(raw, phase="Healthy").writes, forbidden), events=(event,))
        refused = await w.executor.perform(plan, START)
        assert refused is not None
        assert refused.write == forbidden
        await w.settled()
        assert reasons(w) == ["RolloutStepCompleted"]


async def test_an_event_that_is_refused_stops_nothing() -> None:
    async with world({ROLLOUT: Toy(quiet)}, objects=[ANY]) as w:
        w.sender.before = lambda _request: Response(403, status(403, "Forbidden"))
        plan = Plan(events=(Event(w.read(ANY), "RolloutPaused", "waits for you"),))
        assert await w.executor.perform(plan, START) is None


async def test_a_record_goes_to_the_object_where_the_kind_has_no_status_subresource() -> None:
    async with world({ROLLOUT: Toy(quiet)}, objects=[ANY]) as w:
        w.sender.before = lambda r: (
            Response(404, status(404, "NotFound")) if r.path.endswith("/status") else None
        )
        version = w.read(ANY)["metadata"]["resourceVersion"]
        assert await w.executor.perform(Plan((Record(ANY, {"phase": "x"}, version),)), START) is None
        assert w.writes()[-1].path.endswith("/rollouts/api")


async def test_a_record_after_our_own_patch_is_based_on_it() -> None:
    async with world({ROLLOUT: Toy(quiet)}, objects=[ANY]) as w:
        version = w.read(ANY)["metadata"]["resourceVersion"]
        patch = MergePatch(ANY, {"metadata": {"resourceVersion": version}, "spec": {"paused": False}})
        assert await w.executor.perform(Plan((patch, Record(ANY, {"phase": "x"}, version))), START) is None
        assert get(w.read(ANY), "status", "phase") == "x"


async def test_our_own_creation_is_seen_at_once() -> None:
    async with world({ROLLOUT: Toy(quiet)}) as w:
        await w.executor.perform(Plan((Create(config(), {"metadata": {"name": "c"}}),)), START)
        assert w.store.get(*config()) is not None


async def test_deleting_what_is_gone_already_is_done() -> None:
    async with world({ROLLOUT: Toy(quiet)}, objects=[config()]) as w:
        assert await w.executor.perform(Plan((Delete(config("absent"), "u"),)), START) is None
        assert await w.executor.perform(Plan((Delete(config(), "another-uid"),)), START) is None
        assert w.read(config())


def reasons(w: World) -> list[str]:
    told = w.cluster.handle(Request("GET", "/api/v1/namespaces/shop/events")).body["items"]
    return [one["reason"] for one in told]


async def test_events_that_hang_hold_up_no_round() -> None:
    """Were they waited for, an abort would come after them."""

    def plan(raw: Raw, _answers: Answers) -> Plan:
        told = (Event(raw, "RolloutPaused", "waits for you"),)
        return msgspec.structs.replace(record(raw, seen=get(raw, "spec", "replicas")), events=told)

    async with world({ROLLOUT: Toy(plan)}, workers=1) as w:
        w.sender.hangs = lambda request: request.path.endswith("/events")
        w.create(ANY, spec={"replicas": 1})
        await until(lambda: get(w.read(ANY), "status", "seen") == 1)
        w.merge(ANY, {"spec": {"replicas": 3}})
        await until(lambda: get(w.read(ANY), "status", "seen") == 3)


async def test_a_rollout_is_greeted_once_in_a_controllers_life() -> None:
    async with world({ROLLOUT: Toy(quiet)}, objects=[ANY]) as w:
        await until(lambda: w.rounds.well)
        w.merge(ANY, {"spec": {"replicas": 3}})
        await until(lambda: len(w.rounds.well) > 1)
        assert reasons(w) == ["RolloutAddedToInformer"]


async def test_a_rollout_that_is_deleted_is_missed_once() -> None:
    async with world({ROLLOUT: Toy(quiet)}, objects=[ANY]) as w:
        await until(lambda: w.rounds.well)
        w.cluster.handle(Request("DELETE", path(ANY)))
        await until(lambda: len(w.rounds.forgotten) > 0 and w.idle())
        assert sorted(reasons(w)) == ["RolloutAddedToInformer", "RolloutDeleted"]


async def test_a_rollout_that_is_deleted_while_it_is_thought_about_is_no_error() -> None:
    async with world({ROLLOUT: Toy(lambda raw, _: record(raw, phase="Healthy"))}) as w:

        def someone(request: Request) -> Response | None:
            if request.path.endswith("/status"):
                w.cluster.handle(Request("DELETE", path(ANY)))
            return None

        w.sender.before = someone
        w.create(ANY)
        await until(lambda: len(w.rounds.forgotten) > 0 and w.idle())
        assert sorted(reasons(w)) == ["RolloutAddedToInformer", "RolloutDeleted"]
        assert w.rounds.failed == []


async def test_a_write_refused_for_good_is_told_once() -> None:
    plan = Plan((MergePatch(config(), {"data": {}}),))
    async with world({ROLLOUT: Toy(lambda _raw, _: plan)}, objects=[config()]) as w:
        refusal = Response(403, status(403, "Forbidden", "configmaps is forbidden"))
        w.sender.before = lambda request: refusal if request.path.endswith("/configmaps/c") else None
        w.create(ANY)
        await until(lambda: len(w.rounds.failed) > 2)
        assert sorted(reasons(w)) == ["ReconciliationError", "RolloutAddedToInformer"]
