"""Mistakes in fields that are not acted on yet: each named once, at its field."""

from __future__ import annotations

from typing import Any

import pytest

from crds import validate
from crds.paths import Path, put
from crds.rollout import parse
from tests.crds.examples import brief

CANARY = ("spec", "strategy", "canary")
STEP = (*CANARY, "steps", 1)
ROUTING = (*CANARY, "trafficRouting")
EXACT = {"exact": "yes"}
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
NO_ROUTER = "needs trafficRouting by one of"


def problems(raw: dict[str, Any]) -> list[str]:
    return [str(one) for one in validate.problems(parse(raw))]


def managed(**routers: Any) -> dict[str, Any]:
    istio = {"virtualService": {"name": "api"}, "destinationRule": {"name": "api"}}
    return dict(put(brief(), ROUTING, {"managedRoutes": [{"name": "me"}], **(routers or {"istio": istio})}))


def by_header(value: Any = None, **more: Any) -> dict[str, Any]:
    return {"setHeaderRoute": {"name": "me", "match": [{"headerName": "a", "headerValue": value}], **more}}


def mirror(*match: Any, **more: Any) -> dict[str, Any]:
    return {"setMirrorRoute": {"name": "me", "match": list(match), **more}}


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (by_header(EXACT), ""),
        ({"setHeaderRoute": {"name": "me"}}, ""),
        (
            by_header(EXACT, name="other"),
            "setHeaderRoute.name: 'other' is not among spec.strategy.canary.traf",
        ),
        (by_header({}), "match[0].headerValue: must have exactly one of exact, prefix, regex"),
        (by_header({"exact": "a", "regex": "b"}), "match[0].headerValue: must have exactly one of"),
        ({"setHeaderRoute": {"name": "me", "match": [{"headerValue": EXACT}]}}, "headerName: is missing"),
        (mirror({"path": {"prefix": "/"}}, percentage=50), ""),
        (mirror(), ""),
        (mirror(name="other"), "setMirrorRoute.name: 'other' is not among"),
        (mirror(percentage=101), "setMirrorRoute.percentage: 101 is no share; write 0 to 100"),
        (mirror({}), "setMirrorRoute.match[0]: says none of method, path and headers"),
        (mirror({"method": {}, "path": EXACT}), "match[0].method: must have exactly one of"),
        (mirror({"headers": {"a": {}}}), "match[0].headers.a: must have exactly one of"),
        ({"experiment": {"templates": [{"name": "a", "weight": 5}]}}, ""),
    ],
)
def test_a_mistake_in_a_route_of_a_step_is_named(step: dict[str, Any], problem: str) -> None:
    found = problems(put(managed(), STEP, step))
    assert len(found) == (1 if problem else 0), found
    assert all(problem in one for one in found)


@pytest.mark.parametrize(
    ("step", "where"),
    [
        (by_header(EXACT), "steps[1].setHeaderRoute: "),
        (mirror({"path": EXACT}), "steps[1].setMirrorRoute: "),
        (
            {"experiment": {"templates": [{"name": "a", "weight": 5}]}},
            "steps[1].experiment.templates[0].weight: ",
        ),
    ],
)
def test_what_needs_a_router_is_told_without_one(step: dict[str, Any], where: str) -> None:
    (found,) = problems(put(put(brief(), ROUTING, None), STEP, step))
    assert where + NO_ROUTER in found


def test_an_alb_matches_headers_exactly_or_not_at_all() -> None:
    services = put(managed(alb={"rootService": "root"}), (*CANARY, "stableService"), "a")
    raw = put(put(services, (*CANARY, "canaryService"), "b"), STEP, by_header({"prefix": "y"}))
    (found,) = problems(raw)
    assert found.endswith("headerValue: must say exact")


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ((*CANARY, "antiAffinity"), {REQUIRED: {}}, ""),
        ((*CANARY, "antiAffinity"), {PREFERRED: {"weight": 100}}, ""),
        ((*CANARY, "antiAffinity"), {}, "antiAffinity: must have exactly one of"),
        ((*CANARY, "antiAffinity"), {PREFERRED: {"weight": 1}, REQUIRED: {}}, "must have exactly one of"),
        ((*CANARY, "antiAffinity"), {PREFERRED: {"weight": 101}}, "weight: 101 does not fit here; write 1"),
        ((*CANARY, "pingPong"), {"pingService": "a", "pongService": "b"}, ""),
        ((*CANARY, "pingPong"), {"pingService": "a"}, "pingPong: needs both pingService and pongService"),
        ((*CANARY, "pingPong"), {"pingService": "a", "pongService": "a"}, "pongService: is the same Service"),
        (("spec", "strategy"), {"blueGreen": {}}, "blueGreen.activeService: is missing"),
        (("spec", "strategy"), {"blueGreen": {"activeService": "a"}}, ""),
        (
            ("spec", "strategy"),
            {"blueGreen": {"activeService": "a", "previewService": "a"}},
            "previewService: is the same Service as activeService",
        ),
    ],
)
def test_other_mistakes_are_named(path: Path, value: Any, problem: str) -> None:
    found = problems(put(brief(), path, value))
    assert len(found) == (1 if problem else 0), found
    assert all(problem in one for one in found)


def test_ping_pong_on_an_alb_needs_its_root_service() -> None:
    raw = put(managed(alb={}), (*CANARY, "pingPong"), {"pingService": "a", "pongService": "b"})
    (found,) = problems(raw)
    assert found.startswith("spec.strategy.canary.trafficRouting.alb.rootService: is missing")
