"""A history: what people and the weather do to some Rollouts, one act after the other, and how it must end.

Each act is a method, so that the smallest history that broke a law can be told again as a test. `ends` lets
everything heal that is not a person's wish, and asks whether all came to rest as it should.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec

from crds.refs import ROLLOUT
from crds.rollout_status import RolloutStatus
from crds.times import parse, rfc3339
from tests.properties.answers import Mood
from tests.properties.controller import NAMESPACE
from tests.properties.ending import unsound
from tests.properties.scenes import PODS as PODS_ALONE
from tests.properties.scenes import Scene, objects, standing
from tests.properties.story import template
from tests.properties.wire import Ail, Fault, How, Worse
from tidegate.kube.http import Request
from tidegate.sandbox.objects import Raw, at, labels_of
from tidegate.sandbox.patches import merged
from tidegate.sandbox.players import is_ready
from tidegate.sandbox.resources import ANALYSIS_RUNS, PODS, REPLICA_SETS, ROLLOUTS, VIRTUAL_SERVICES
from tidegate.views.steering import Refused, Verb, observed, patch_for

LONGEST = 1200.0
SILENCE = 75.0
"""A watch may have been waited for so long before it is begun anew."""
QUIET = 12.0
FOR_GOOD = 10**9
TAKES_PODS = frozenset({"replicas", "minReadySeconds", "strategy"})
HASH = "rollouts-pod-template-hash"
DEADLINE = "scale-down-deadline"


class History:
    """Under Argo's own CRD our memory is `pruned` out of the status.

    `which` picks a Rollout of the scene, a pod, a ReplicaSet: by its place, as often round as it takes.
    """

    def __init__(self, scene: Scene, controllers: int = 1, *, pruned: bool = False) -> None:
        self.scene = scene
        self.world = standing(scene, controllers, pruned=pruned).copied()
        self.world.at_each_tick = self._feels
        for witness in self.world.witnesses.values():
            witness.sparing = 4
        self._unserved = self._missed()
        self._harmed = False

    def __enter__(self) -> History:
        return self

    def __exit__(self, *_: object) -> None:
        self.world.close()

    def passes(self, seconds: float) -> None:
        self.world.run(seconds)

    def meanwhile(self, soon: int, act: str, *words: Any) -> None:
        """The act comes between a plan and its write: the `soon`-th write from now."""
        for one in self.world.controllers:
            at_write = len(one.wire.writes) + soon
            one.wire.fault = Fault(at_write, lambda: getattr(self, act)(*words))

    # What people do to the Rollout.

    def ships(self, image: str, which: int = 0) -> None:
        self._edits(which, {"spec": {"template": template(image, self._name(which))}})

    def edits(self, spec: Raw, which: int = 0) -> None:
        """A merge patch of the spec; what the API server will not have stays undone.

        It pardons nothing: steps are not what a release was aborted for.
        """
        self._harmed = self._harmed or not TAKES_PODS.isdisjoint(spec)
        self.world.asked(ROLLOUTS, self._name(which), {"spec": spec})

    def says(self, word: Verb, which: int = 0) -> None:
        self._harmed = self._harmed or word == "restart"
        with suppress(Refused):
            for patch in patch_for(word, self._rollout(which), self.world.clock.now()):
                self._edits(which, patch.body, patch.subresource)

    def undoes(self, which: int = 0, to: int = 0) -> None:
        """To the template of any of its ReplicaSets."""
        own = [one for one in self.world.every(REPLICA_SETS) if _owner(one) == self._uid(which)]
        if own:
            before = own[to % len(own)]["spec"]["template"]
            labels = {k: v for k, v in before["metadata"]["labels"].items() if k != HASH}
            path = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/rollouts/{self._name(which)}"
            value = {**before, "metadata": {**before["metadata"], "labels": labels}}
            patch = [{"op": "replace", "path": "/spec/template", "value": value}]
            self.world.store.handle(
                Request("PATCH", path, body=patch, content_type="application/json-patch+json")
            )
            self._pardon(which)

    def restarts(self, which: int = 0, in_seconds: float = 0.0) -> None:
        self._harmed = True  # the only pod of a revision goes, too, or no restart would end
        moment = self.world.clock.now() + timedelta(seconds=in_seconds)
        self._edits(which, {"spec": {"restartAt": rfc3339(moment)}})

    def writes_status(self, status: Any, which: int = 0) -> None:
        """By hand; what the CRD's schema does not let through stays unwritten."""
        self._harmed = True
        with suppress(msgspec.ValidationError):
            after = merged(self._rollout(which).get("status"), status)
            msgspec.convert(after or {}, RolloutStatus)
            self._edits(which, {"status": status}, "status")

    # What people do to other objects.

    def moves_weights(self, weight: int, which: int = 0) -> None:
        self._harmed = True
        for raw in self._named(VIRTUAL_SERVICES, which):
            routes = raw["spec"]["http"][0]["route"]
            pairs = zip(routes, (100 - weight, weight), strict=True)
            http = [{"route": [{**route, "weight": part} for route, part in pairs]}]
            self.world.store.put(VIRTUAL_SERVICES, {**raw, "spec": {**raw["spec"], "http": http}})

    def deletes(self, nth: int = 0, which: int = 0) -> None:
        """One of the objects around a Rollout."""
        self._harmed = True
        around = objects(self._name(which))
        for resource, body in around[nth % len(around) :][:1] if around else ():
            if raw := self.world.store.find(resource, NAMESPACE, body["metadata"]["name"]):
                self.world.store.remove(resource, raw)

    def puts_back(self, which: int = 0) -> None:
        """Every object around a Rollout that is missing, as it was written once."""
        for resource, body in objects(self._name(which)):
            if self.world.store.find(resource, NAMESPACE, body["metadata"]["name"]) is None:
                self.world.create(resource, body)

    def scales(self, replicas: int, nth: int = 0) -> None:
        """A ReplicaSet, by hand."""
        self._harmed = True
        self._any(REPLICA_SETS, nth, {"spec": {"replicas": replicas}})

    def notes(self, deadline: str | None, nth: int = 0) -> None:
        """Into a ReplicaSet's annotations."""
        self._harmed = True
        self._any(REPLICA_SETS, nth, {"metadata": {"annotations": {DEADLINE: deadline}}})

    def removes_set(self, nth: int = 0) -> None:
        """Where stable's is gone, what is asked for must serve from now on, whatever is known against it."""
        self._harmed = True
        self._remove(REPLICA_SETS, nth)
        for which in range(len(self.scene)):
            self.world.witnesses[ROLLOUT].pardon(self._uid(which), FOR_GOOD)

    def removes_run(self, nth: int = 0) -> None:
        self._remove(ANALYSIS_RUNS, nth)

    def judges(self, phase: str, nth: int = 0) -> None:
        self._any(ANALYSIS_RUNS, nth, {"status": {"phase": phase, "message": "by hand"}})

    def terminates(self, nth: int = 0) -> None:
        self._any(ANALYSIS_RUNS, nth, {"spec": {"terminate": True}})

    # The weather.

    def pod_dies(self, nth: int = 0) -> None:
        self._harmed = True
        self._remove(PODS, nth)

    def pods_fail(self, share: int = 2) -> None:
        """Every so manieth pod is not ready for a moment."""
        self._harmed = True
        for raw in self.world.every(PODS)[::share]:
            self.world.store.put(PODS, {**raw, "status": {**raw["status"], "conditions": []}})

    def prometheus_is(self, mood: Mood) -> None:
        self.world.answering.mood = mood

    def counters_reset(self) -> None:
        for traffic in self.world.mesh.every_traffic:
            traffic.counters.clear()

    def strikes(self, how: How | Worse, soon: int = 1, controller: int = 0) -> None:
        """The `soon`-th write from now."""
        wire = self._controller(controller).wire
        wire.fault = Fault(len(wire.writes) + soon, how)

    def crashes(self, controller: int = 0) -> None:
        self._controller(controller).crash()

    def is_away(self, seconds: float, controller: int = 0) -> None:
        """The API server, for one controller: for all of them where there is but one."""
        self._controller(controller).wire.goes_away(self.world.loop.time() + seconds)

    def lags(self, plural: str, seconds: float, controller: int = 0) -> None:
        self._controller(controller).wire.lag[plural] = seconds

    def ails(self, ail: Ail, controller: int = 0) -> None:
        self._controller(controller).wire.ails.append(ail)

    def forgets(self) -> None:
        """The API server its history: watches from before must list anew."""
        self.world.store.forget()

    def lists_slowly(self, seconds: float, controller: int = 0) -> None:
        self._controller(controller).wire.slow = seconds

    def holds_up(self, plural: str, seconds: float, controller: int = 0) -> None:
        """The lists of one kind, so that who begins knows it later than the others."""
        self._controller(controller).wire.held_up[plural] = seconds

    def echoes(self, controller: int = 0) -> None:
        self._controller(controller).wire.echo = True

    def clock_steps(self, seconds: float, controller: int = 0) -> None:
        self._controller(controller).clock.by += timedelta(seconds=seconds)

    # The end.

    def ends(self) -> None:
        """What is broken is mended and heard of; then all come to rest, soundly, and stay so."""
        self._heals()
        self.world.run(SILENCE)
        loop, deadline = self.world.loop, self.world.loop.time() + LONGEST
        moves, since = self._moves(), self.world.loop.time()
        while loop.time() - since < QUIET or self._restless():
            assert loop.time() < deadline, (
                f"no rest after {LONGEST:.0f} s: {self._restless() or 'still moving'}"
            )
            self.world.run(3)
            if moves != self._moves():
                moves, since = self._moves(), loop.time()
        wrong = [text for name in self.scene for text in unsound(self.world, name)]
        assert not wrong, "\n".join(wrong)

    def _heals(self) -> None:
        for one in self.world.controllers:
            one.wire.heal()
        self.prometheus_is("well")
        for which in range(len(self.scene)):
            self.puts_back(which)

    def _moves(self) -> int:
        """Writes but those of AnalysisRuns, which measure on while a person is waited for."""
        written = (write for one in self.world.controllers for write in one.wire.writes)
        return sum("/analysisruns/" not in write.path for write in written)

    def _restless(self) -> str:
        for name in self.scene:
            raw = self.world.rollout(name)
            phase = str(at(raw, "status", "phase", default=""))
            if not observed(raw):
                return f"{name} is not observed"
            if self._restarts_later(raw):
                continue
            if phase not in ("Healthy", "Paused", "Degraded"):
                return f"{name} is {phase}: {at(raw, 'status', 'message')}"
        return ""

    def _restarts_later(self, raw: Raw) -> bool:
        """By the clock of a controller that was set back; until then it says to be restarting."""
        at_ = at(raw, "spec", "restartAt")
        return at_ is not None and any(parse(at_) > one.clock.now() for one in self.world.controllers)

    def _feels(self) -> None:
        """Where nobody did any harm, no request finds no pod, and the promise is kept at every moment."""
        if self._harmed:
            return
        if self._missed() > self._unserved:
            self._unserved = self._missed()
            self.world.breaches.append("requests found no pod, though nobody did any harm")
        if PODS_ALONE in self.scene:
            ready = sum(
                is_ready(one) for one in self.world.every(PODS) if labels_of(one).get("app") == PODS_ALONE
            )
            if ready < at(self.world.rollout(PODS_ALONE), "spec", "replicas") - 1:
                self.world.breaches.append(
                    f"{ready} pods of {PODS_ALONE} are left, though nobody did any harm"
                )

    def _missed(self) -> int:
        return sum(one.unserved for one in self.world.mesh.every_traffic)

    # How it is done.

    def _name(self, which: int) -> str:
        return self.scene[which % len(self.scene)]

    def _rollout(self, which: int) -> Raw:
        return self.world.rollout(self._name(which))

    def _uid(self, which: int) -> str:
        return str(self._rollout(which)["metadata"]["uid"])

    def _controller(self, nth: int) -> Any:
        return self.world.controllers[nth % len(self.world.controllers)]

    def _edits(self, which: int, patch: Raw, subresource: str = "") -> None:
        self.world.asked(ROLLOUTS, self._name(which), patch, subresource)
        self._pardon(which)

    def _pardon(self, which: int) -> None:
        self.world.witnesses[ROLLOUT].pardon(self._uid(which), self.world.store.version)

    def _named(self, resource: Any, which: int) -> list[Raw]:
        found = self.world.store.find(resource, NAMESPACE, self._name(which))
        return [found] if found else []

    def _any(self, resource: Any, nth: int, patch: Raw) -> None:
        found = self.world.every(resource)
        if found:
            self.world.asked(resource, found[nth % len(found)]["metadata"]["name"], patch)

    def _remove(self, resource: Any, nth: int) -> None:
        found = self.world.every(resource)
        if found:
            self.world.store.remove(resource, found[nth % len(found)])


def _owner(raw: Raw) -> str:
    return str(at(raw, "metadata", "ownerReferences", 0, "uid", default=""))
