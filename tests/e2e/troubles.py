"""What can go wrong with a Rollout and round it, a small one each: what breaks, what is said, what mends.

Their pods are played, and everything round them is their own, so that they share nothing but the controller.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tests.e2e.distorted import (
    Distorted,
    Distortion,
    empty,
    hanging,
    not_a_number,
    off_by,
    one_of_two,
    refusing,
    restarting,
    twice,
)
from tests.e2e.scene import NAMESPACE, Raw, Scene, path
from tests.lab.worlds import service, virtual_service

ISTIO = "networking.istio.io/v1"
ROUTES = path("virtualservices", group=ISTIO)
Edit = Callable[[Raw], None]
Act = Callable[[Scene, str], None]


def as_it_is(_manifest: Raw) -> None:
    pass


def nothing(_scene: Scene, _name: str) -> None:
    pass


class Trouble(msgspec.Struct, frozen=True):
    """`slip` is what v2 says wrongly, `breaks` what is done to the world before it, `mends` what undoes that.

    `says` is the condition's type and what its message must name; () for trouble that must not even show.
    """

    name: str
    says: tuple[str, ...]
    edit: Edit = as_it_is
    slip: Edit = as_it_is
    breaks: Act = nothing
    mends: Act = nothing


def canary_of(manifest: Raw) -> Raw:
    found: Raw = manifest["spec"]["strategy"]["canary"]
    return found


def neighbour(name: str, version: str) -> Raw:
    """One played pod, two weights, everything round it under its own name."""
    labels = {"app": name}
    istio = {"virtualService": {"name": name}, "destinationRule": {"name": name}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "strategy": {
                "canary": {
                    "steps": [{"setWeight": 50}, {"pause": {"duration": "4s"}}, {"setWeight": 100}],
                    "scaleDownDelaySeconds": 1,
                    "trafficRouting": {"istio": istio},
                }
            },
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "played", "image": f"myregistry/played:{version}"}]},
            },
        },
    }


# -- what is wrong in the spec


def unknown_router(manifest: Raw) -> None:
    canary_of(manifest)["trafficRouting"] = {"smi": {"rootService": "x"}}
    canary_of(manifest).update(stableService="a", canaryService="b")


def judged_by(template: str, *args: str) -> Edit:
    def edit(manifest: Raw) -> None:
        given = [{"name": name, "value": "1"} for name in args]
        canary_of(manifest)["analysis"] = {"templates": [{"templateName": template}], "args": given}

    return edit


def template(name: str, provider: Raw) -> Raw:
    metric = {"name": "good", "interval": "1s", "successCondition": "result[0] < 1", "provider": provider}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"args": [{"name": "limit"}], "metrics": [metric]},
    }


def asking(scene: Scene, name: str) -> None:
    prometheus = {"address": scene.state.prometheus, "query": "vector(0) * {{args.limit}}"}
    scene.kube.apply(template(name, {"prometheus": prometheus}))


def asking_a_stranger(scene: Scene, name: str) -> None:
    scene.kube.apply(template(name, {"crystalBall": {"question": "is it good?"}}))


# -- what is wrong around it


def by_services(name: str) -> Edit:
    def edit(manifest: Raw) -> None:
        canary = canary_of(manifest)
        canary["trafficRouting"]["istio"] = {"virtualService": {"name": name}}
        canary |= {"stableService": f"{name}-stable", "canaryService": f"{name}-canary"}

    return edit


def services(scene: Scene, name: str) -> None:
    """A VirtualService between two Services of this name, which are made where they are not there."""
    split = virtual_service(name, host=f"{name}.example.com")
    split["spec"]["http"][0]["route"] = [
        {"destination": {"host": f"{name}-{arm}"}, "weight": weight}
        for arm, weight in (("stable", 100), ("canary", 0))
    ]
    for arm in ("stable", "canary"):
        made = {**service(name), "metadata": {"name": f"{name}-{arm}", "namespace": NAMESPACE}}
        scene.kube.ensure(made)
    scene.kube.apply(split)


def without_a_service(scene: Scene, name: str) -> None:
    scene.kube.delete(path("services", f"{name}-canary", group="v1"))


def with_it_again(scene: Scene, name: str) -> None:
    stable = scene.kube.get(path("services", f"{name}-stable", group="v1"))["spec"]["selector"]
    made = {**service(name), "metadata": {"name": f"{name}-canary", "namespace": NAMESPACE}}
    made["spec"]["selector"] = stable
    scene.kube.create(made)


def without_a_virtual_service(scene: Scene, name: str) -> None:
    scene.kube.delete(f"{ROUTES}/{name}")


def with_its_virtual_service(scene: Scene, name: str) -> None:
    scene.kube.create(virtual_service(name, host=f"{name}.example.com"))


def on_a_route(name: str) -> Edit:
    def edit(manifest: Raw) -> None:
        canary_of(manifest)["trafficRouting"]["istio"]["virtualService"]["routes"] = [name]

    return edit


def route_named(name: str) -> Act:
    def rename(scene: Scene, app: str) -> None:
        edit = [{"op": "replace", "path": "/spec/http/0/name", "value": name}]
        scene.kube.call("PATCH", f"{ROUTES}/{app}", edit, "application/json-patch+json")

    return rename


def on_anothers(virtual: str, rule: str) -> Edit:
    def edit(manifest: Raw) -> None:
        istio = canary_of(manifest)["trafficRouting"]["istio"]
        istio["virtualService"]["name"], istio["destinationRule"]["name"] = virtual, rule

    return edit


AROUND = (
    Trouble(
        "router",
        ("Unsupported", "spec.strategy.canary.trafficRouting.smi", "remove it"),
        slip=unknown_router,
    ),
    Trouble(
        "template",
        ("MetricsNotReady", "AnalysisTemplate production/template does not exist", "create it"),
        slip=judged_by("template", "limit"),
        mends=asking,
    ),
    Trouble(
        "provider",
        ("MetricsNotReady", "AnalysisTemplate production/provider spec.metrics[0].provider", "prometheus"),
        slip=judged_by("provider", "limit"),
        breaks=asking_a_stranger,
        mends=asking,
    ),
    Trouble(
        "argument",
        ("MetricsNotReady", "'limit' has no value", "AnalysisTemplate production/argument spec.args[0]"),
        edit=judged_by("argument", "limit"),
        slip=judged_by("argument"),
        breaks=asking,
    ),
    Trouble(
        "service",
        (
            "InvalidSpec",
            "spec.strategy.canary.canaryService",
            'service "service-canary" not found; create it',
        ),
        edit=by_services("service"),
        breaks=without_a_service,
        mends=with_it_again,
    ),
    Trouble(
        "virtual",
        ("TrafficNotReady", "VirtualService production/virtual does not exist; create it"),
        breaks=without_a_virtual_service,
        mends=with_its_virtual_service,
    ),
    Trouble(
        "route",
        ("TrafficNotReady", "VirtualService production/route spec.http", "'primary'", "it has: renamed"),
        edit=on_a_route("primary"),
        breaks=route_named("renamed"),
        mends=route_named("primary"),
    ),
    Trouble(
        "second",
        ("TrafficNotReady", "DestinationRule production/api is managed by Rollout production/api"),
        slip=on_anothers("api", "api"),
    ),
    Trouble(
        "guest",
        ("TrafficNotReady", "VirtualService production/api ", "DestinationRule production/guest is for"),
        slip=on_anothers("api", "guest"),
    ),
    Trouble("landlord", (), edit=by_services("landlord")),
    Trouble(
        "tenant",
        (
            "InvalidSpec",
            "stableService",
            '"landlord-stable" is managed by another Rollout, "landlord"',
            "name",
        ),
        edit=by_services("tenant"),
        slip=by_services("landlord"),
    ),
)
"""What is wrong in a spec or around it."""

DEAF = "correct its address or selectors in the metrics catalogue"
DISTORTED: dict[str, tuple[Distortion, tuple[str, ...]]] = {
    "hanging": (hanging, ("no answer within 5 s", DEAF)),
    "refusing": (refusing, ("would load too many samples", "HTTP 422", DEAF)),
    "empty": (empty, ("has no series for the stable pods", "let Prometheus scrape")),
    "nan": (not_a_number, ("every sample is NaN", DEAF)),
    "behind": (off_by(-90), ("behind the controller's; set both by NTP",)),
    "ahead": (off_by(90), ("ahead of the controller's; set both by NTP",)),
    "half": (one_of_two, ()),
    "restarting": (restarting, ()),
}
"""What Prometheus does, and what is said of it; nothing where the evidence holds all the same."""
KINDS = 'envoy_cluster_upstream_rq{envoy_cluster_name=~"outbound[|]80[|].*[|]api[.].*"'


def metrics(distorted: Distorted) -> list[Trouble]:
    """Everyone's counters are api's, by the way of a Prometheus with a trouble of its own."""

    def judged(name: str) -> Edit:
        metric = {"name": f"error-rate-{name}", "thresholdRange": {"max": 0.05}}
        return lambda manifest: canary_of(manifest).update(analysis={"interval": "1s", "metrics": [metric]})

    def does(distortion: Distortion) -> Act:
        return lambda _scene, name: distorted.bad.update({name: distortion})

    def heals(scene: Scene, name: str) -> None:
        distorted.bad.pop(name)

    return [
        Trouble(
            name,
            ("MetricsNotReady", f"error-rate-{name}", *words) if words else (),
            edit=judged(name),
            breaks=does(distortion),
            mends=heals if distortion is not one_of_two else does(twice),
        )
        for name, (distortion, words) in DISTORTED.items()
    ]


def entries(distorted: Distorted) -> dict[str, str]:
    """The metrics catalogue's entry for each of them."""
    return {
        f"error-rate-{name}": msgspec.yaml.encode(
            {
                "errors": f'{KINDS},envoy_response_code=~"5.."}}',
                "total": f"{KINDS}}}",
                "address": distorted.address(name),
            }
        ).decode()
        for name in DISTORTED
    }
