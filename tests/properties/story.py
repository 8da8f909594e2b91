"""The story of the demo, in the sandbox: v1 stands, a good v2 walks, a bad v3 is caught, a v4 never starts.

It is the brief's Rollout with shorter holds. A chapter is an act of a person and what must come of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.properties.world import CALM, NAME, World
from tidegate.sandbox.objects import Raw, at
from tidegate.sandbox.resources import CONFIG_MAPS, DESTINATION_RULES, ROLLOUTS, VIRTUAL_SERVICES
from tidegate.views.steering import Verb, patch_for

V1, V2, V3, V4 = (f"myregistry/api:{tag}" for tag in ("v1", "v2", "v3", "v4-crash"))
ERRORS = {V3: 0.4}
DEADLINE = 240.0
STEPS: list[Raw] = [
    {"setWeight": 10, "duration": "8s"},
    {"pause": {}},
    {"setWeight": 50, "duration": "8s"},
    {"setWeight": 100},
]
CATALOGUE = """\
errors: 'envoy_cluster_upstream_rq{envoy_cluster_name=~"outbound\\\\|[0-9]+\\\\|{{subset}}\\\\|{{service}}\\\\..*",envoy_response_code=~"5.."}'
total: 'envoy_cluster_upstream_rq{envoy_cluster_name=~"outbound\\\\|[0-9]+\\\\|{{subset}}\\\\|{{service}}\\\\..*"}'
address: http://prometheus
"""  # noqa: E501


def template(image: str, name: str = NAME) -> Raw:
    probe = {"httpGet": {"path": "/health", "port": 3000}, "periodSeconds": 5}
    resources = {"requests": {"cpu": "500m", "memory": "512Mi"}}
    container = {"name": "api", "image": image, "resources": resources, "readinessProbe": probe}
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}


def rollout() -> Raw:
    istio = {"virtualService": {"name": NAME}, "destinationRule": {"name": NAME}}
    metric = {"name": "error-rate", "thresholdRange": {"max": 0.05}, "interval": "5s"}
    canary = {
        "steps": STEPS,
        "scaleDownDelaySeconds": 5,
        "abortScaleDownDelaySeconds": 5,
        "analysis": {"interval": "5s", "threshold": 5, "metrics": [metric]},
        "trafficRouting": {"istio": istio},
    }
    return {
        "metadata": {"name": NAME},
        "spec": {
            "replicas": 10,
            "selector": {"matchLabels": {"app": NAME}},
            "strategy": {"canary": canary},
            "template": template(V1),
        },
    }


def rule() -> Raw:
    subsets = [{"name": arm, "labels": {"app": NAME}} for arm in ("stable", "canary")]
    return {"metadata": {"name": NAME}, "spec": {"host": NAME, "subsets": subsets}}


def service() -> Raw:
    route: list[Any] = [
        {"destination": {"host": NAME, "subset": "stable"}, "weight": 100},
        {"destination": {"host": NAME, "subset": "canary"}, "weight": 0},
    ]
    return {"metadata": {"name": NAME}, "spec": {"hosts": [NAME], "http": [{"route": route}]}}


def catalogue() -> Raw:
    return {"metadata": {"name": "tidegate-metrics"}, "data": {"error-rate": CATALOGUE}}


def begin(world: World) -> None:
    world.create(DESTINATION_RULES, rule())
    world.create(VIRTUAL_SERVICES, service())
    world.create(CONFIG_MAPS, catalogue())
    world.create(ROLLOUTS, rollout())


def ship(image: str) -> Callable[[World], None]:
    return lambda world: world.apply(ROLLOUTS, NAME, {"spec": {"template": template(image)}})


def say(verb: Verb) -> Callable[[World], None]:
    def said(world: World) -> None:
        for patch in patch_for(verb, world.rollout(), world.clock.now()):
            world.apply(ROLLOUTS, NAME, patch.body, patch.subresource)

    return said


def phase(world: World) -> str:
    return str(at(world.rollout(), "status", "phase", default=""))


def observed(world: World) -> bool:
    raw = world.rollout()
    return str(at(raw, "status", "observedGeneration")) == str(raw["metadata"]["generation"])


def stands(world: World) -> bool:
    return observed(world) and phase(world) == "Healthy"


def waits_for_a_person(world: World) -> bool:
    pauses = at(world.rollout(), "status", "pauseConditions", default=[])
    return (
        observed(world)
        and phase(world) == "Paused"
        and bool(pauses)
        and at(world.rollout(), "status", "currentStepIndex") == 1
    )


def is_aborted(world: World) -> bool:
    return observed(world) and phase(world) == "Degraded" and bool(at(world.rollout(), "status", "abort"))


class Chapter(NamedTuple):
    """`rests`: at its end nothing is left to do but to wait for a person."""

    title: str
    act: Callable[[World], None]
    end: Callable[[World], bool]
    rests: bool = True


CHAPTERS = (
    Chapter("v1 stands", begin, stands),
    Chapter("v2 walks to its pause", ship(V2), waits_for_a_person, rests=False),
    Chapter("v2 is promoted", say("promote"), stands),
    Chapter("v3 is caught", ship(V3), is_aborted),
    Chapter("v4 never starts", ship(V4), is_aborted),
)


def finish(world: World, chapter: Chapter, calm: float = CALM) -> None:
    """Lets time pass to the chapter's end, and until what it left behind is tidied up."""
    world.until(chapter.end, DEADLINE, chapter.title)
    if chapter.rests:
        world.until_quiet(calm=calm)


def play(world: World, chapter: Chapter) -> None:
    chapter.act(world)
    finish(world, chapter)
