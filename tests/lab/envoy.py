"""Reading Envoy: its own counters for each cluster, and the weights it routes by right now."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any
from urllib.parse import quote

import msgspec

from tests.lab.state import State


class Cluster(msgspec.Struct, frozen=True):
    """One destination as Envoy has counted it since it started."""

    total: int
    """upstream_rq_total: requests that went to a pod, retries counted each."""
    active: int
    """upstream_rq_active: sent and not yet answered."""
    by_code: dict[int, int]
    """upstream_rq_NNN: answers, those that Envoy made itself included."""


NOTHING = Cluster(0, 0, {})
HEALTHY = {"eds_health_status": "HEALTHY"}


def cluster_name(subset: str, host: str = "api.production.svc.cluster.local", port: int = 80) -> str:
    """istiod's name of a subset: `outbound|80|canary|api.production.svc.cluster.local`."""
    return f"outbound|{port}|{subset}|{host}"


def cluster(state: State, name: str) -> Cluster:
    """The counters of one cluster, all 0 when Envoy does not know it."""
    prefix = rf"^cluster\.{re.escape(name)};?\.upstream_rq_(total|active|[1-5]\d\d)$"
    text = _get(state, f"/stats?filter={quote(prefix)}")
    found = {
        line.rpartition(": ")[0].rpartition("_rq_")[2]: int(line.rpartition(": ")[2])
        for line in text.splitlines()
    }
    by_code = {int(key): value for key, value in found.items() if key.isdigit()}
    return Cluster(found.get("total", 0), found.get("active", 0), by_code)


def weights(state: State, host: str) -> dict[str, int]:
    """Cluster name to weight for the first route of `host`; one cluster alone weighs 100. Empty: no route."""
    routes = [
        route for each in _virtual_hosts(state) if host in each["domains"] for route in each.get("routes", [])
    ]
    action = routes[0].get("route", {}) if routes else {}
    if "cluster" in action:
        return {action["cluster"]: 100}
    listed = action.get("weighted_clusters", {"clusters": []})["clusters"]
    return {each["name"]: each.get("weight", 0) for each in listed}


def endpoints(state: State, name: str) -> set[str]:
    """The pod addresses Envoy would send requests for this cluster to.

    Envoy is told of pods that are not ready too, as unhealthy, and answers 503 itself when there is no other.
    """
    listed = json.loads(_get(state, "/clusters?format=json"))["cluster_statuses"]
    hosts = [host for each in listed if each["name"] == name for host in each.get("host_statuses", [])]
    healthy = [host for host in hosts if host["health_status"] == HEALTHY]
    return {host["address"]["socket_address"]["address"] for host in healthy}


def by_pod(state: State) -> dict[str, Cluster]:
    """Pod address to its requests over all clusters; a pod that Envoy has forgotten is not there."""
    listed = json.loads(_get(state, "/clusters?format=json"))["cluster_statuses"]
    found: dict[str, Cluster] = {}
    for host in (host for each in listed for host in each.get("host_statuses", [])):
        address = host["address"].get("socket_address", {}).get("address", "")
        stats = {one["name"]: int(one.get("value", 0)) for one in host["stats"]}
        before = found.get(address, NOTHING)
        found[address] = Cluster(before.total + stats["rq_total"], before.active + stats["rq_active"], {})
    return found


def _virtual_hosts(state: State) -> list[dict[str, Any]]:
    dumped = json.loads(_get(state, "/config_dump?resource=dynamic_route_configs"))["configs"] or []
    return [host for each in dumped for host in each["route_config"].get("virtual_hosts", [])]


def _get(state: State, path: str) -> str:
    with urllib.request.urlopen(state.envoy_admin + path, timeout=10) as answer:
        text: str = answer.read().decode()
        return text
