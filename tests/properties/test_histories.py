"""Histories nobody thought of: people edit, steer and patch, pods die, controllers crash, answers are lost.

The laws of single plans are asked by `witness`, impossible worlds are refused by the sandbox's checker, and
every history must end quietly and soundly once what is broken is mended.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.properties.answers import MOODS, Mood
from tests.properties.faults import THOROUGH
from tests.properties.history import History
from tests.properties.scenes import SCENES, SHOP_STEPS, WEB_STEPS, Scene
from tests.properties.story import STEPS, V1, V2, V3, V4
from tests.properties.wire import AILS, EVERY_HOW, Ail, How, Worse
from tidegate.sandbox.objects import Raw
from tidegate.views.steering import VERBS, Verb

EXAMPLES = 200 if THOROUGH else 40
WHICH = st.integers(min_value=0, max_value=2)
NTH = st.integers(min_value=0, max_value=20)
CONTROLLER = st.integers(min_value=0, max_value=1)
PHASES = ("Running", "Successful", "Failed", "Error", "Inconclusive")
PLURALS = ("rollouts", "replicasets", "analysisruns", "virtualservices", "destinationrules", "services")
LISTED = (*PLURALS, "configmaps", "analysistemplates")
LONG_AGO, FAR_AHEAD = "2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z"
DEADLINES = (None, LONG_AGO, FAR_AHEAD, "soon", "")

SPECS: tuple[Raw, ...] = (
    {"replicas": 0},
    {"replicas": 1},
    {"replicas": 3},
    {"replicas": 12},
    {"paused": True},
    {"paused": False},
    {"minReadySeconds": 3},
    {"progressDeadlineSeconds": 20},
    {"progressDeadlineAbort": True},
    {"revisionHistoryLimit": 1},
    {"rollbackWindow": {"revisions": 3}},
    {"rollbackWindow": None},
    *({"strategy": {"canary": {"steps": steps}}} for steps in (STEPS, SHOP_STEPS, WEB_STEPS, [], None)),
    *({"strategy": {"canary": {"abortScaleDownDelaySeconds": n}}} for n in (0, 3, None)),
    {"strategy": {"canary": {"maxSurge": 0, "maxUnavailable": 1}}},
    {"strategy": {"canary": {"maxSurge": "100%", "maxUnavailable": 0}}},
    {"strategy": {"canary": {"minPodsPerReplicaSet": 2}}},
    {"strategy": {"canary": {"dynamicStableScale": True, "scaleDownDelaySeconds": None}}},
    {"strategy": {"canary": {"dynamicStableScale": False}}},
    {"strategy": {"canary": {"canaryMetadata": {"labels": {"part": "canary"}}}}},
    {"strategy": {"canary": {"stableMetadata": {"annotations": {"part": "stable"}}}}},
)
GARBAGE: tuple[Any, ...] = ("garbage", 7, -1, True, [], [3], {}, {"a": None}, None)
FIELDS = (
    "abort",
    "abortedAt",
    "pauseConditions",
    "controllerPause",
    "currentPodHash",
    "currentStepHash",
    "currentStepIndex",
    "replicas",
    "updatedReplicas",
    "availableReplicas",
    "selector",
    "collisionCount",
    "observedGeneration",
    "conditions",
    "stableRS",
    "restartedAt",
    "promoteFull",
    "phase",
    "message",
    "canary",
    "duration",
    "tidegate",
)
OURS = ("heldFor", "attempt", "verdict", "overridden", "edited", "steps", "traffic")
STATUSES: tuple[Any, ...] = (
    None,
    {"pauseConditions": None},
    {"pauseConditions": None, "controllerPause": False, "currentStepIndex": 3},
    {"abort": True},
    {"abort": False},
    {"promoteFull": True},
    *({"currentStepIndex": n} for n in (0, 2, 4, 99)),
    *(
        {"pauseConditions": [{"reason": reason, "startTime": at}]}
        for reason in ("CanaryPauseStep", "InconclusiveAnalysisRun", "Whim")
        for at in (LONG_AGO, FAR_AHEAD)
    ),
    {"pauseConditions": [{"reason": "CanaryPauseStep"}]},
    {"abortedAt": FAR_AHEAD},
    {"restartedAt": FAR_AHEAD},
    {"tidegate": {"traffic": {"weight": 0, "exact": True, "weightSince": FAR_AHEAD, "armsSince": FAR_AHEAD}}},
)


MEDDLING: tuple[tuple[Any, ...], ...] = (
    *(("ships", image) for image in (V1, V2, V3)),
    *(("says", word) for word in VERBS),
    *(("writes_status", status) for status in STATUSES),
    *(("moves_weights", weight) for weight in (0, 100)),
    *(("edits", {"replicas": n}) for n in (2, 8)),
    *(("deletes", n) for n in (0, 1, 2)),
)


class Histories(RuleBasedStateMachine):
    """Everything stands on v1 when a history begins, and the next release is just under way."""

    scenes = SCENES

    @initialize(
        scene=st.runner().flatmap(lambda machine: st.sampled_from(machine.scenes)),
        controllers=st.sampled_from((1, 1, 2)),
        image=st.sampled_from((V1, V2, V2, V3, V4)),
        seconds=st.integers(min_value=0, max_value=60),
        pruned=st.booleans(),
    )
    def begin(self, scene: Scene, controllers: int, image: str, seconds: int, pruned: bool) -> None:
        self.history = History(scene, controllers, pruned=pruned)
        for which in range(len(scene)):
            self.history.ships(image, which)
        self.history.passes(seconds)

    @rule(image=st.sampled_from((V1, V2, V3, V4)), which=WHICH)
    def somebody_ships(self, image: str, which: int) -> None:
        self.history.ships(image, which)

    @rule(word=st.sampled_from(VERBS), which=WHICH)
    def somebody_steers(self, word: Verb, which: int) -> None:
        self.history.says(word, which)

    @rule(seconds=st.integers(min_value=0, max_value=30))
    def time_passes(self, seconds: int) -> None:
        self.history.passes(seconds)

    @rule(spec=st.sampled_from(SPECS), which=WHICH)
    def somebody_edits(self, spec: Raw, which: int) -> None:
        self.history.edits(spec, which)

    @rule(which=WHICH, to=NTH)
    def somebody_undoes(self, which: int, to: int) -> None:
        self.history.undoes(which, to)

    @rule(which=WHICH, in_seconds=st.sampled_from((-60, 0, 20)))
    def somebody_restarts(self, which: int, in_seconds: int) -> None:
        self.history.restarts(which, in_seconds)

    @rule(status=st.sampled_from(STATUSES), which=WHICH)
    def somebody_patches_status(self, status: Any, which: int) -> None:
        self.history.writes_status(status, which)

    @rule(field=st.sampled_from(FIELDS), value=st.sampled_from(GARBAGE), which=WHICH)
    def somebody_writes_nonsense(self, field: str, value: Any, which: int) -> None:
        self.history.writes_status({field: value}, which)

    @rule(field=st.sampled_from(OURS), value=st.sampled_from(GARBAGE), which=WHICH)
    def somebody_spoils_our_memory(self, field: str, value: Any, which: int) -> None:
        self.history.writes_status({"tidegate": {field: value}}, which)

    @rule(weight=st.sampled_from((0, 10, 50, 100)), which=WHICH)
    def somebody_moves_weights(self, weight: int, which: int) -> None:
        self.history.moves_weights(weight, which)

    @rule(nth=st.integers(min_value=0, max_value=4), which=WHICH)
    def somebody_deletes(self, nth: int, which: int) -> None:
        self.history.deletes(nth, which)

    @rule(which=WHICH)
    def somebody_puts_back(self, which: int) -> None:
        self.history.puts_back(which)

    @rule(replicas=st.integers(min_value=0, max_value=12), nth=NTH)
    def somebody_scales_a_replica_set(self, replicas: int, nth: int) -> None:
        self.history.scales(replicas, nth)

    @rule(deadline=st.sampled_from(DEADLINES), nth=NTH)
    def somebody_notes_a_deadline(self, deadline: str | None, nth: int) -> None:
        self.history.notes(deadline, nth)

    @rule(nth=NTH)
    def somebody_removes_a_replica_set(self, nth: int) -> None:
        self.history.removes_set(nth)

    @rule(nth=NTH)
    def somebody_removes_a_run(self, nth: int) -> None:
        self.history.removes_run(nth)

    @rule(phase=st.sampled_from(PHASES), nth=NTH)
    def a_run_is_judged(self, phase: str, nth: int) -> None:
        self.history.judges(phase, nth)

    @rule(nth=NTH)
    def a_run_is_terminated(self, nth: int) -> None:
        self.history.terminates(nth)

    @rule(nth=NTH)
    def a_pod_dies(self, nth: int) -> None:
        self.history.pod_dies(nth)

    @rule(share=st.integers(min_value=1, max_value=4))
    def pods_fail(self, share: int) -> None:
        self.history.pods_fail(share)

    @rule(mood=st.sampled_from(MOODS))
    def prometheus_is(self, mood: Mood) -> None:
        self.history.prometheus_is(mood)

    @rule()
    def counters_reset(self) -> None:
        self.history.counters_reset()

    @rule(how=st.sampled_from(EVERY_HOW), soon=st.integers(min_value=1, max_value=3), controller=CONTROLLER)
    def a_write_fails(self, how: How | Worse, soon: int, controller: int) -> None:
        self.history.strikes(how, soon, controller)

    @rule(soon=st.integers(min_value=1, max_value=4), act=st.sampled_from(MEDDLING), which=WHICH)
    def somebody_meddles(self, soon: int, act: tuple[Any, ...], which: int) -> None:
        self.history.meanwhile(soon, *act, which)

    @rule(controller=CONTROLLER)
    def a_controller_crashes(self, controller: int) -> None:
        self.history.crashes(controller)

    @rule(seconds=st.sampled_from((3, 20, 60)), controller=CONTROLLER)
    def nobody_answers(self, seconds: int, controller: int) -> None:
        self.history.is_away(seconds, controller)

    @rule(plural=st.sampled_from(PLURALS), seconds=st.sampled_from((0.0, 0.5, 3.0)), controller=CONTROLLER)
    def news_come_late(self, plural: str, seconds: float, controller: int) -> None:
        self.history.lags(plural, seconds, controller)

    @rule(ail=st.sampled_from(AILS), controller=CONTROLLER)
    def a_watch_ends(self, ail: Ail, controller: int) -> None:
        self.history.ails(ail, controller)

    @rule()
    def the_past_is_forgotten(self) -> None:
        self.history.forgets()

    @rule(seconds=st.sampled_from((0.0, 1.0, 4.0)), controller=CONTROLLER)
    def lists_are_slow(self, seconds: float, controller: int) -> None:
        self.history.lists_slowly(seconds, controller)

    @rule(plural=st.sampled_from(LISTED), seconds=st.sampled_from((3.0, 15.0)), controller=CONTROLLER)
    def who_begins_knows_a_kind_late(self, plural: str, seconds: float, controller: int) -> None:
        self.history.holds_up(plural, seconds, controller)
        self.history.crashes(controller)

    @rule(controller=CONTROLLER)
    def news_come_twice(self, controller: int) -> None:
        self.history.echoes(controller)

    @rule(seconds=st.sampled_from((-7200, -30, -3, 3, 30)), controller=CONTROLLER)
    def a_clock_is_set(self, seconds: int, controller: int) -> None:
        self.history.clock_steps(seconds, controller)

    def teardown(self) -> None:
        if hasattr(self, "history"):
            with self.history as history:
                history.ends()


class OfOne(Histories):
    scenes = tuple(scene for scene in SCENES if len(scene) == 1)


class OfSeveral(Histories):
    scenes = tuple(scene for scene in SCENES if len(scene) > 1)


SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=24,
    suppress_health_check=list(HealthCheck),
)
for machine in (Histories, OfOne, OfSeveral):
    machine.TestCase.settings = SETTINGS
TestOfOne = OfOne.TestCase
TestOfSeveral = OfSeveral.TestCase
