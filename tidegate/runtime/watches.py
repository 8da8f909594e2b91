"""Which kinds are watched from the start, and where; what else Applications hold is watched when needed."""

from __future__ import annotations

from crds.refs import (
    ANALYSIS_RUN,
    ANALYSIS_TEMPLATE,
    APP_PROJECT,
    APPLICATION,
    CLUSTER_ANALYSIS_TEMPLATE,
    CONFIG_MAP,
    DESTINATION_RULE,
    HASH_LABEL,
    NAMESPACE,
    REPLICA_SET,
    ROLLOUT,
    SERVICE,
    VIRTUAL_SERVICE,
    Kind,
)
from tidegate.kube import requests
from tidegate.kube.reflector import Watched
from tidegate.kube.requests import ALL, Selection
from tidegate.planners.settings import Settings as Surroundings
from tidegate.runtime.settings import Settings

WATCHES: dict[Kind, Selection] = {
    ROLLOUT: ALL,
    REPLICA_SET: Selection(labels=HASH_LABEL),
    ANALYSIS_RUN: ALL,
    ANALYSIS_TEMPLATE: ALL,
    CLUSTER_ANALYSIS_TEMPLATE: ALL,
    VIRTUAL_SERVICE: ALL,
    DESTINATION_RULE: ALL,
    SERVICE: ALL,
    CONFIG_MAP: Selection(fields=f"metadata.name={Surroundings().catalogue}"),
}
FOR_APPLICATIONS = (*WATCHES, APPLICATION, APP_PROJECT, NAMESPACE)


def watches(settings: Settings) -> list[Watched]:
    """From the start. An Application may hold any ConfigMap, so with Applications all are watched."""
    if settings.applications:
        return [watched(kind, ALL, _among_applications(kind, settings)) for kind in FOR_APPLICATIONS]
    return [watched(kind, selection, _where(kind, settings)) for kind, selection in WATCHES.items()]


def watched(kind: Kind, selection: Selection, namespace: str) -> Watched:
    return Watched(kind, requests.path(kind.group, kind.version, kind.plural, namespace), selection)


def _where(kind: Kind, settings: Settings) -> str:
    """The catalogue lies beside the controller, wherever that acts; cluster templates lie in no namespace."""
    elsewhere = {CONFIG_MAP: settings.home, CLUSTER_ANALYSIS_TEMPLATE: ""}
    return elsewhere.get(kind, settings.namespace)


def _among_applications(kind: Kind, settings: Settings) -> str:
    return settings.applications if kind in (APPLICATION, APP_PROJECT) else ""
