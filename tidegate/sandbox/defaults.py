"""What the API server fills into an object, most of it into a pod template: data, and a walk over it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tidegate.sandbox.objects import Raw, at
from tidegate.sandbox.resources import EVENTS, NAMESPACES, POD_TEMPLATES, REPLICA_SETS, SERVICES, Resource

_POD: Raw = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}
_CONTAINER: Raw = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_SERVICE: Raw = {
    "internalTrafficPolicy": "Cluster",
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
    "sessionAffinity": "None",
    "type": "ClusterIP",
}
NAME_LABEL = "kubernetes.io/metadata.name"
_PROBE: Raw = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_MODES = ("secret", "configMap", "projected", "downwardAPI")
_DECIMAL = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_QUANTITY = re.compile(r"([+-]?\d*\.?\d+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|)")


def pod_template(template: Raw) -> Raw:
    """The template as it is stored."""
    spec = {**_POD, **at(template, "spec", default={})}
    if "serviceAccountName" in spec:
        spec = {**spec, "serviceAccount": spec["serviceAccountName"]}
    for kind in ("containers", "initContainers"):
        if kind in spec:
            spec[kind] = [_container(container) for container in spec[kind]]
    if "volumes" in spec:
        spec["volumes"] = [_volume(volume) for volume in spec["volumes"]]
    return {**template, "metadata": at(template, "metadata", default={}), "spec": spec}


def _container(written: Raw) -> Raw:
    filled = {**_CONTAINER, "imagePullPolicy": _pull_policy(at(written, "image", default="")), **written}
    if "ports" in filled:
        filled["ports"] = [{"protocol": "TCP", **port} for port in filled["ports"]]
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        if probe in filled:
            filled[probe] = _probe(filled[probe])
    return {**filled, "resources": _resources(filled["resources"])}


def _pull_policy(image: str) -> str:
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if tag in ("", "latest") and "@" not in image else "IfNotPresent"


def _probe(written: Raw) -> Raw:
    filled = {**_PROBE, **written}
    if "httpGet" in filled:
        filled["httpGet"] = {"path": "/", "scheme": "HTTP", **filled["httpGet"]}
    return filled


def _resources(written: Raw) -> Raw:
    return {
        part: {name: quantity(amount) for name, amount in amounts.items()}
        if part in ("limits", "requests")
        else amounts
        for part, amounts in written.items()
    }


def _volume(written: Raw) -> Raw:
    return {key: {"defaultMode": 420, **value} if key in _MODES else value for key, value in written.items()}


def quantity(written: Any) -> str:
    """The canonical form of a resource quantity: `1000m` is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`."""
    found = _QUANTITY.fullmatch(str(written))
    if found is None:
        return str(written)
    number, suffix = Decimal(found[1]), found[2]
    if suffix in _BINARY:
        amount = number * 1024 ** _BINARY[suffix]
        return _shortest(amount, _binary_suffixes()) if abs(amount) >= 1024 else _decimal(amount)
    return _decimal(number * Decimal(1000) ** _DECIMAL[suffix])


def _decimal(amount: Decimal) -> str:
    sizes = ((s, Decimal(1000) ** power) for s, power in reversed(_DECIMAL.items()))
    return _shortest(amount, sizes)


def _binary_suffixes() -> Iterator[tuple[str, Decimal]]:
    for suffix, power in reversed(_BINARY.items()):
        yield suffix, Decimal(1024**power)
    yield "", Decimal(1)


def _shortest(amount: Decimal, sizes: Iterator[tuple[str, Decimal]]) -> str:
    """The largest suffix that leaves a whole number."""
    for suffix, size in sizes:
        if amount % size == 0 and (amount or not suffix):
            return f"{int(amount / size)}{suffix}"
    return str(amount)


def defaulted(resource: Resource, raw: Raw, number: int = 0) -> Raw:
    """`number` is the object's own, for what no two may have."""
    if resource is POD_TEMPLATES:
        return {**raw, "template": pod_template(at(raw, "template", default={}))}
    if resource is REPLICA_SETS:
        spec = raw["spec"]
        filled = {"replicas": 1, **spec, "template": pod_template(spec["template"])}
        return {**raw, "spec": filled, "status": {"replicas": 0}}
    if resource is EVENTS:
        return {"eventTime": None, "reportingComponent": "", "reportingInstance": "", **raw}
    if resource is SERVICES:
        return {**raw, "spec": _service(at(raw, "spec", default={}), number), "status": {"loadBalancer": {}}}
    if resource is NAMESPACES:
        labels = {**at(raw, "metadata", "labels", default={}), NAME_LABEL: raw["metadata"]["name"]}
        owned = {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        return {**raw, **owned, "metadata": {**raw["metadata"], "labels": labels}}
    return raw


def refilled(resource: Resource, raw: Raw) -> Raw:
    """What a write left out and the server fills in again: an apply takes a Service's ports whole."""
    return {**raw, "spec": _service(raw["spec"], 0)} if resource is SERVICES and "spec" in raw else raw


def _service(written: Raw, number: int) -> Raw:
    address = f"10.0.{number // 256 % 256}.{number % 256}"
    ports = [{"protocol": "TCP", "targetPort": one.get("port"), **one} for one in written.get("ports", ())]
    own = {"clusterIP": address, "clusterIPs": [address]}
    return {**_SERVICE, **own, **written, **({"ports": ports} if ports else {})}
