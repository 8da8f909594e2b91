"""Every mistake is named at its field with the way out, and nothing that is right is called one."""

from __future__ import annotations

from typing import Any

import pytest

from crds import support, validate
from crds.paths import Path, drop, put
from crds.rollout import parse
from tests.crds.examples import brief

CANARY = ("spec", "strategy", "canary")
ISTIO = (*CANARY, "trafficRouting", "istio")
METRIC = (*CANARY, "analysis", "metrics", 0)


def problems(raw: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in validate.problems(parse(raw))]


def test_the_briefs_rollout_has_no_problem_and_nothing_unsupported() -> None:
    rollout = parse(brief())
    assert validate.problems(rollout) == ()
    assert support.unsupported(rollout) == ()
    assert support.ignored(rollout) == ()


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("spec", "replicas"), -1, "spec.replicas: -1 is below 0; write 0 or more"),
        (("spec", "progressDeadlineSeconds"), 0, "0 must be more than minReadySeconds (0)"),
        (("spec", "selector"), {}, "spec.selector: selects nothing"),
        (("spec", "selector"), {"matchLabels": {"app": "shop"}}, "spec.selector: does not match"),
        (("spec", "template", "spec"), {}, "spec.template.spec.containers: is empty"),
        (("spec", "template", "spec", "containers"), 5, "spec.template.spec.containers: is no list"),
        (
            ("spec", "template", "metadata", "labels"),
            ["app"],
            "spec.template.metadata.labels: are no mapping",
        ),
        (("spec", "template", "spec", "containers", 0, "image"), "", "spec.containers[0].image: is missing"),
        (("spec", "template", "spec", "restartPolicy"), "Never", "Never is not possible here; write Always"),
        (("spec", "template", "spec", "containers"), [{"name": "a", "image": "b"}] * 2, "name 'a' 2 times"),
        (("spec", "strategy"), {}, "spec.strategy: must have exactly one of canary and blueGreen"),
        (("spec", "strategy", "blueGreen"), {}, "spec.strategy: must have exactly one"),
        ((*CANARY, "maxSurge"), "9" * 5000 + "%", "9' is neither a number of pods nor a share like 25%"),
        ((*CANARY, "maxSurge"), "some", "maxSurge: 'some' is neither a number of pods nor a share like 25%"),
        ((*CANARY, "maxSurge"), -1, "maxSurge: -1 is below 0"),
        ((*CANARY, "steps", 0, "setWeight"), 101, "steps[0].setWeight: 101 is no share; write 0 to 100"),
        ((*CANARY, "steps", 0, "setWeight"), -1, "steps[0].setWeight: -1 is no share"),
        ((*CANARY, "steps", 0, "duration"), -1, "steps[0].duration: is below 0"),
        ((*CANARY, "steps", 1, "pause", "duration"), -1, "steps[1].pause.duration: is below 0"),
        ((*CANARY, "steps", 1), {}, "steps[1]: says none of setWeight"),
        (
            (*CANARY, "steps", 1),
            {"pause": None},
            "steps[1]: says pause without a value; write it, or pause: {}",
        ),
        ((*CANARY, "steps", 1), {"setCanaryScale": {}}, "setCanaryScale: must say exactly one of"),
        (
            (*CANARY, "steps", 1),
            {"setCanaryScale": {"replicas": -1}},
            "setCanaryScale.replicas: -1 is below 0",
        ),
        (
            (*CANARY, "steps", 1),
            {"setCanaryScale": {"weight": 101}},
            "setCanaryScale.weight: 101 is no share",
        ),
        ((*CANARY, "minPodsPerReplicaSet"), -1, "minPodsPerReplicaSet: -1 is below 0; write 0 or more"),
        ((*CANARY, "replicaProgressThreshold"), {"type": "Percent", "value": 101}, "101 is no share; write"),
        ((*CANARY, "replicaProgressThreshold"), {"type": "Pods", "value": -1}, "value: -1 is below 0; write"),
        ((*CANARY, "scaleDownDelaySeconds"), 5, ""),
        ((*CANARY, "scaleDownDelayRevisionLimit"), 11, "spec.revisionHistoryLimit: 10 is below"),
        ((*CANARY, "trafficRouting", "maxTrafficWeight"), 1000, "maxTrafficWeight: is for nginx"),
        ((*ISTIO, "virtualService"), None, "istio.virtualService: is missing"),
        ((*ISTIO, "virtualService", "name"), "", "istio.virtualService.name: is empty"),
        ((*ISTIO, "virtualServices"), [{"name": "a"}], "istio.virtualServices: stands beside virtualService"),
        ((*ISTIO, "virtualService", "routes"), ["a", "a"], "virtualService.routes: name 'a' 2 times"),
        ((*ISTIO, "destinationRule"), None, "canaryService and stableService must both be named"),
        ((*ISTIO, "destinationRule", "canarySubsetName"), "", "destinationRule.canarySubsetName: is empty"),
        ((*ISTIO, "destinationRule", "canarySubsetName"), "stable", "'stable' is the canary's subset too"),
        ((*CANARY, "analysis"), {}, "analysis: names neither templates nor metrics; name what is measured"),
        ((*CANARY, "steps", 1), {"analysis": {}}, "steps[1].analysis: names neither templates nor metrics"),
        ((*CANARY, "analysis", "interval"), "soon", "analysis.interval: 'soon' is no duration"),
        ((*CANARY, "analysis", "interval"), 0, "analysis.interval: 0 is no time to wait"),
        ((*METRIC, "thresholdRange"), None, "metrics[0].thresholdRange: is missing"),
        ((*METRIC, "thresholdRange"), {}, "metrics[0].thresholdRange: has neither min nor max"),
        ((*METRIC, "thresholdRange", "max"), 5, "thresholdRange.max: 5 is no share between 0 and 1"),
        ((*METRIC, "thresholdRange", "min"), 0.1, "min 0.1 is above max 0.05; nothing could pass"),
        ((*METRIC, "statistics"), {"errors": "e"}, "statistics: needs errors and total"),
        (
            (*METRIC, "statistics"),
            {"errors": "e", "total": "t", "alpha": 5},
            "statistics.alpha: 5 is no probability",
        ),
    ],
)
def test_a_mistake_is_named_once_at_its_field(path: Path, value: Any, problem: str) -> None:
    found = problems(put(brief(), path, value))
    assert len(found) == (1 if problem else 0), found
    assert all(problem in one for one in found)


def test_no_surge_and_nothing_unavailable_could_replace_no_pod() -> None:
    raw = put(put(brief(), (*CANARY, "maxSurge"), 0), (*CANARY, "maxUnavailable"), "0%")
    assert problems(raw) == [
        "spec.strategy.canary.maxSurge: and maxUnavailable are both 0, so no pod could be replaced"
    ]


def test_evidence_that_adds_up_takes_no_failure_limit() -> None:
    raw = put(brief(), (*METRIC, "failureLimit"), 3)
    (found,) = problems(put(raw, (*METRIC, "statistics"), {"errors": "e", "total": "t"}))
    assert found.startswith("spec.strategy.canary.analysis.metrics[0].failureLimit: does not go with")


def test_old_pods_cannot_wait_without_a_router() -> None:
    raw = put(brief(), CANARY, {"scaleDownDelaySeconds": 5})
    assert problems(raw) == ["spec.strategy.canary.scaleDownDelaySeconds: needs trafficRouting; remove it"]


def test_a_traffic_routing_that_names_no_router_is_held() -> None:
    (found,) = support.unsupported(parse(put(brief(), (*CANARY, "trafficRouting"), {})))
    assert "names no router; add istio" in found.problem


def test_a_canary_without_a_router_is_acted_on_by_pod_counts() -> None:
    assert support.unsupported(parse(put(brief(), (*CANARY, "trafficRouting"), None))) == ()


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("spec", "workloadRef"), {"kind": "Deployment", "name": "api"}, "spec.workloadRef"),
        (("spec", "strategy"), {"blueGreen": {"activeService": "api"}}, "spec.strategy.blueGreen"),
        ((*CANARY, "stableService"), "api", "spec.strategy.canary.stableService"),
        ((*CANARY, "pingPong"), {}, "spec.strategy.canary.pingPong"),
        ((*CANARY, "trafficRouting", "nginx"), {}, "spec.strategy.canary.trafficRouting.nginx"),
        ((*ISTIO, "virtualService", "tcpRoutes"), [{"port": 1}], "istio.virtualService.tcpRoutes"),
        ((*CANARY, "steps", 1), {"setHeaderRoute": {"name": "me"}}, "steps[1].setHeaderRoute"),
        ((*CANARY, "steps", 1), {"experiment": {}}, "steps[1].experiment"),
    ],
)
def test_what_moves_traffic_and_is_not_acted_on_is_named(path: Path, value: Any, where: str) -> None:
    (found,) = support.unsupported(parse(put(brief(), path, value)))
    assert found.path.endswith(where)
    assert "not acted on yet" in found.problem


def test_what_moves_no_traffic_is_only_mentioned() -> None:
    raw = put(brief(), (*CANARY, "antiAffinity"), {"a": 1})
    assert support.ignored(parse(raw)) == ("spec.strategy.canary.antiAffinity",)


def test_a_rollout_without_a_strategy_is_a_problem_and_no_crash() -> None:
    rollout = parse(drop(brief(), ("spec", "strategy")))
    assert support.unsupported(rollout) == ()
    assert len(validate.problems(rollout)) == 1
