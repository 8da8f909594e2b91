"""The Rollouts that histories are made of: `api` by subsets, `shop` by Services, `web` by its pods alone.

Holds are short, and everything a canary may ask for is asked for by one of them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.properties import story
from tests.properties.story import ERRORS, V1
from tests.properties.world import NAME, Cast, World
from tidegate.sandbox.objects import Raw, at
from tidegate.sandbox.resources import (
    ANALYSIS_TEMPLATES,
    CONFIG_MAPS,
    DESTINATION_RULES,
    ROLLOUTS,
    SERVICES,
    VIRTUAL_SERVICES,
    Resource,
)

SUBSETS, HOSTS, PODS = NAME, "shop", "web"
Scene = tuple[str, ...]
SCENES: tuple[Scene, ...] = ((SUBSETS,), (PODS,), (HOSTS,), (SUBSETS, PODS), (HOSTS, PODS, SUBSETS))
SHOP_STEPS: list[Raw] = [
    {"setCanaryScale": {"replicas": 2}},
    {"setWeight": 20},
    {"analysis": {"templates": [{"templateName": "smoke"}]}},
    {"setCanaryScale": {"matchTrafficWeight": True}},
    {"pause": {"duration": "10s"}},
    {"setWeight": 60},
    {"pause": {}},
]
WEB_STEPS: list[Raw] = [
    {"setWeight": 20},
    {"pause": {"duration": "5s"}},
    {"setWeight": 50},
    {"pause": {}},
    {"setWeight": 80},
    {"pause": {"duration": "3s"}},
]


def objects(name: str) -> tuple[tuple[Resource, Raw], ...]:
    """What stands around a Rollout: people delete it and put it back."""
    match name:
        case "api":
            return ((DESTINATION_RULES, story.rule()), (VIRTUAL_SERVICES, story.service()))
        case "shop":
            arms = ("shop-stable", "shop-canary")
            services = tuple((SERVICES, _service(arm)) for arm in arms)
            routes = [{"destination": {"host": arm}, "weight": 100 - 100 * n} for n, arm in enumerate(arms)]
            virtual = {"metadata": {"name": "shop"}, "spec": {"hosts": ["shop"], "http": [{"route": routes}]}}
            return (
                *services,
                (VIRTUAL_SERVICES, virtual),
                *((ANALYSIS_TEMPLATES, one) for one in _templates()),
            )
        case "web":
            return tuple((SERVICES, _service(arm, "web")) for arm in ("web-stable", "web-canary"))
    return ()


def rollout(name: str) -> Raw:
    match name:
        case "api":
            return story.rollout()
        case "shop":
            watch = {"templates": [{"templateName": "watch"}], "startingStep": 1}
            routing = {"istio": {"virtualService": {"name": "shop"}}}
            delays = {"scaleDownDelaySeconds": 8, "abortScaleDownDelaySeconds": 8}
            arms = {"stableService": "shop-stable", "canaryService": "shop-canary"}
            canary = {"steps": SHOP_STEPS, "analysis": watch, "trafficRouting": routing, **delays, **arms}
            return _rollout(name, 5, canary, rollbackWindow={"revisions": 2})
        case _:
            arms = {"stableService": "web-stable", "canaryService": "web-canary"}
            canary = {"steps": WEB_STEPS, "maxSurge": 2, "maxUnavailable": 1, **arms}
            return _rollout(name, 6, canary, progressDeadlineSeconds=60, progressDeadlineAbort=True)


def _rollout(name: str, replicas: int, canary: Raw, **more: Any) -> Raw:
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "strategy": {"canary": canary},
        "template": story.template(V1, name),
    }
    return {"metadata": {"name": name}, "spec": {**spec, **more}}


def _service(name: str, app: str = "shop") -> Raw:
    return {"metadata": {"name": name}, "spec": {"selector": {"app": app}, "ports": [{"port": 80}]}}


def _templates() -> tuple[Raw, ...]:
    classic = {"provider": {"prometheus": {"query": "good"}}, "successCondition": "result[0] > 0"}
    smoke = {"name": "smoke", "count": 2, "interval": "3s", **classic}
    watch = {"name": "watch", "interval": "5s", "failureLimit": 1, **classic}
    return tuple({"metadata": {"name": one["name"]}, "spec": {"metrics": [one]}} for one in (smoke, watch))


@cache
def standing(scene: Scene, controllers: int, *, pruned: bool) -> World:
    """All of them stand on v1 and nothing is left to do; time has ended here, to go on in copies."""
    routes = tuple(name for name in scene if name != PODS)
    with World(ERRORS, cast=Cast(routes, controllers)) as world:
        world.store.prunes = {ROLLOUTS: frozenset({"tidegate"})} if pruned else {}
        world.create(CONFIG_MAPS, story.catalogue())
        for name in scene:
            for resource, body in objects(name):
                world.create(resource, body)
            world.create(ROLLOUTS, rollout(name))
        world.until(lambda world: all(stands(world, name) for name in scene), 240, "all stand")
        world.run(30)
    return world


def stands(world: World, name: str) -> bool:
    return str(at(world.rollout(name), "status", "phase", default="")) == "Healthy"
