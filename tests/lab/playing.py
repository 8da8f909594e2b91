"""What a kubelet would say about a pod: pure functions, from the pod and what happened to it to its status.

The fake node (`node.py`) makes things happen and notes them as `Played`; only here are they put into words.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, assert_never

import msgspec

NODE = "lab"
NODE_ADDRESS = "10.244.0.1"
APPS = ("api", "app", "web")
"""An image whose last path component is one of these is the lab's app, a real process."""

Pod = dict[str, Any]
Container = dict[str, Any]


class Waiting(msgspec.Struct, frozen=True):
    reason: str
    message: str = ""


class Running(msgspec.Struct, frozen=True):
    since: datetime


class Ended(msgspec.Struct, frozen=True):
    code: int
    began: datetime
    at: datetime


State = Waiting | Running | Ended


class Played(msgspec.Struct, frozen=True):
    """What has happened to one container."""

    state: State = Waiting("ContainerCreating")
    last: Ended | None = None
    restarts: int = 0
    ready: bool = False


def is_app(image: str) -> bool:
    """`myregistry:5000/team/api:v2.1.0` and `lab/app` are the lab's app."""
    return repository(image).rpartition("/")[2] in APPS


def repository(image: str) -> str:
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]


def unpullable(image: str) -> bool:
    """An image nobody has: from the registry `nowhere.invalid`, or with `missing` in its name or tag."""
    return image.startswith("nowhere.invalid/") or "missing" in image.rpartition("/")[2]


def crashes(container: Container) -> bool:
    """A played command that ends badly at once: `false`, or a shell's `exit N` with N above 0."""
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    return bool(words) and (words[0].rpartition("/")[2] == "false" or words[-1].strip().startswith("exit "))


def back_off(restarts: int) -> timedelta:
    """Before the next start: none, then 10 s doubling up to 5 min, as a kubelet does."""
    return timedelta() if restarts == 0 else timedelta(seconds=min(300, 10 * 2 ** (restarts - 1)))


def starts_again(pod: Pod, code: int) -> bool:
    policy = pod["spec"].get("restartPolicy", "Always")
    return policy == "Always" or (policy == "OnFailure" and code != 0)


def pull_failed(image: str) -> Waiting:
    return Waiting("ErrImagePull", f'failed to pull and unpack image "{image}": not found')


def pull_backed_off(image: str) -> Waiting:
    return Waiting("ImagePullBackOff", f'Back-off pulling image "{image}"')


def crash_backed_off(pod: Pod, name: str, wait: timedelta) -> Waiting:
    where = f"{pod['metadata']['name']}_{pod['metadata']['namespace']}({pod['metadata']['uid']})"
    return Waiting(
        "CrashLoopBackOff", f"back-off {wait.seconds}s restarting failed container={name} pod={where}"
    )


def ports(container: Container) -> list[int]:
    """Every port the container declares or is probed on; 3000 when it says nothing."""
    declared = [each["containerPort"] for each in container.get("ports") or []]
    probed = probe_port(container)
    return sorted({*declared, *([probed] if probed else [])}) or [3000]


def probe_port(container: Container) -> int | None:
    """The readiness probe's port as a number, a named port looked up."""
    probe = container.get("readinessProbe") or {}
    asked = (probe.get("httpGet") or probe.get("tcpSocket") or {}).get("port")
    named = {each.get("name"): each["containerPort"] for each in container.get("ports") or []}
    return asked if isinstance(asked, int) else named.get(asked)


def environment(pod: Pod, container: Container, address: str) -> dict[str, str]:
    """The container's `env` with field references resolved; other references are not played and left out."""
    found = {}
    for each in container.get("env") or []:
        value = each["value"] if "value" in each else _referred(pod, address, each.get("valueFrom") or {})
        if value is not None:
            found[each["name"]] = value
    return found


def _referred(pod: Pod, address: str, source: dict[str, Any]) -> str | None:
    path = (source.get("fieldRef") or {}).get("fieldPath", "")
    where, bracket, key = path.partition("['")
    if bracket:
        return str(_at(pod, where).get(key.removesuffix("']"), ""))
    known = {"status.podIP": address, "spec.nodeName": NODE, "status.hostIP": NODE_ADDRESS}
    found = known.get(path) or (_at(pod, path) if path.startswith("metadata.") else None)
    return None if found is None else str(found)


def _at(pod: Pod, path: str) -> Any:
    found: Any = pod
    for key in path.split("."):
        found = found.get(key) or {}
    return found


# -- the status


def status(
    pod: Pod, address: str, began: datetime, played: tuple[Played, ...], now: datetime
) -> dict[str, Any]:
    """The pod's whole status but for conditions that are somebody else's."""
    containers = pod["spec"]["containers"]
    return {
        "phase": phase(pod, played),
        "hostIP": NODE_ADDRESS,
        "hostIPs": [{"ip": NODE_ADDRESS}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": stamp(began),
        "conditions": conditions(pod, played, now),
        "containerStatuses": [container_status(*both) for both in zip(containers, played, strict=True)],
        **_init_statuses(pod, began),
    }


def _init_statuses(pod: Pod, began: datetime) -> dict[str, Any]:
    """Init containers are not run: they are said to have gone well at once."""
    done = Played(state=Ended(0, began, began), ready=True)
    said = [container_status(each, done) for each in pod["spec"].get("initContainers") or []]
    return {"initContainerStatuses": said} if said else {}


def phase(pod: Pod, played: tuple[Played, ...]) -> str:
    ends = [each.state for each in played if isinstance(each.state, Ended)]
    if len(ends) == len(played) and not any(starts_again(pod, each.code) for each in ends):
        return "Failed" if any(each.code for each in ends) else "Succeeded"
    never_ran = any(isinstance(each.state, Waiting) and each.last is None for each in played)
    return "Pending" if never_ran else "Running"


def container_status(container: Container, played: Played) -> dict[str, Any]:
    running = isinstance(played.state, Running)
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": ""
        if isinstance(played.state, Waiting) and not played.last
        else f"lab://{container['image']}",
        "ready": played.ready,
        "started": running,
        "restartCount": played.restarts,
        "state": _words(played.state),
        "lastState": _words(played.last) if played.last else {},
    }


def _words(state: State) -> dict[str, Any]:
    match state:
        case Waiting(reason, message):
            return {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        case Running(since):
            return {"running": {"startedAt": stamp(since)}}
        case Ended(code, began, at):
            reason = "Error" if code else "Completed"
            return {"terminated": {"exitCode": code, "reason": reason, "startedAt": stamp(began),
                                   "finishedAt": stamp(at)}}  # fmt: skip
        case never:
            assert_never(never)


def conditions(pod: Pod, played: tuple[Played, ...], now: datetime) -> list[dict[str, Any]]:
    """The kubelet's five, each keeping the time at which it last changed."""
    unready = [c["name"] for c, p in zip(pod["spec"]["containers"], played, strict=True) if not p.ready]
    done = phase(pod, played) == "Succeeded"
    why = {"reason": "PodCompleted"} if done else {
        "reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"
    }  # fmt: skip
    gates = {} if unready else _closed_gate(pod)
    said = [
        ("PodReadyToStartContainers", True, {}),
        ("Initialized", True, {}),
        ("Ready", not unready and not gates, why if unready else gates),
        ("ContainersReady", not unready, why if unready else {}),
        ("PodScheduled", True, {}),
    ]
    return [_condition(pod, kind, holds, extra, now) for kind, holds, extra in said]


def _closed_gate(pod: Pod) -> dict[str, str]:
    """Why readiness gates keep a pod with ready containers from being Ready; nothing when they do not."""
    there = {each["type"]: each["status"] for each in _conditions(pod)}
    for gate in pod["spec"].get("readinessGates") or []:
        if there.get(gate["conditionType"]) != "True":
            message = f'the status of pod readiness gate "{gate["conditionType"]}" is not "True"'
            return {"reason": "ReadinessGatesNotReady", "message": message}
    return {}


def _condition(pod: Pod, kind: str, holds: bool, extra: dict[str, str], now: datetime) -> dict[str, Any]:
    said = "True" if holds else "False"
    since = next(
        (
            each["lastTransitionTime"]
            for each in _conditions(pod)
            if (each["type"], each["status"]) == (kind, said)
        ),
        stamp(now),
    )
    # A strategic merge patch keeps what is not named: an old reason has to be cleared by name.
    return {
        "type": kind,
        "status": said,
        "lastTransitionTime": since,
        "reason": None,
        "message": None,
        **extra,
    }


def _conditions(pod: Pod) -> list[dict[str, Any]]:
    return (pod.get("status") or {}).get("conditions") or []


def stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def said_already(pod: Pod, new: dict[str, Any]) -> bool:
    """Does the pod's status hold all of this? Then there is nothing to write."""
    old = pod.get("status") or {}
    there = {each["type"]: each for each in _conditions(pod)}
    rest = all(_same(old.get(key), value) for key, value in new.items() if key != "conditions")
    return rest and all(_same(there.get(each["type"]), each) for each in new["conditions"])


def _same(old: Any, new: Any) -> bool:
    """Equal, but for empty values, which the API server leaves out."""
    if isinstance(new, dict):
        return all(_same((old or {}).get(key), value) for key, value in new.items())
    if isinstance(new, list):
        return len(old or []) == len(new) and all(_same(*both) for both in zip(old or [], new, strict=True))
    return bool(old == new or (not old and not new))
