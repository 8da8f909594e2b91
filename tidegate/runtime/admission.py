"""What `kubectl apply` hears at once: every mistake in an object of ours, as a warning.

Nothing is refused: what Argo's CRDs accept is admitted, and the object's condition is the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import kopf

from analysis.run_spec import mistakes as mistakes_of
from crds.errors import Invalid
from crds.refs import ANALYSIS_RUN, ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE, ROLLOUT, Kind
from crds.rollout import parse
from crds.support import ignored, unsupported
from crds.validate import problems
from tidegate.kube.store import Raw

Validator = Callable[[Raw], Iterable[str]]


@dataclass(frozen=True)
class Certificate:
    """PEM files, and the port to serve admission reviews on."""

    certificate: str
    key: str
    port: int


def rollout(raw: Raw) -> tuple[str, ...]:
    """Mistakes first, then what we do not act on yet."""
    read = parse(raw)
    held = [f"{one}; the Rollout is held meanwhile" for one in unsupported(read)]
    return (*map(str, problems(read)), *held, *(f"{one} is not acted on yet" for one in ignored(read)))


def metrics(raw: Raw) -> tuple[str, ...]:
    """Mistakes in what a run or a template measures."""
    return tuple(map(str, mistakes_of(raw)))


VALIDATORS: dict[Kind, Validator] = {
    ROLLOUT: rollout,
    ANALYSIS_RUN: metrics,
    ANALYSIS_TEMPLATE: metrics,
    CLUSTER_ANALYSIS_TEMPLATE: metrics,
}


def mistakes(kind: Kind, raw: Raw) -> tuple[str, ...]:
    """What is wrong with the object, in words; empty where nothing is."""
    try:
        return tuple(VALIDATORS[kind](raw))
    except Invalid as mistake:
        return (str(mistake),)


def register(handlers: kopf.OperatorRegistry, settings: kopf.OperatorSettings, given: Certificate) -> None:
    """Serve reviews of every kind of ours at `/PLURAL`; the webhook's configuration is the installer's."""
    settings.admission.server = kopf.WebhookServer(
        port=given.port, certfile=given.certificate, pkeyfile=given.key
    )
    for kind in VALIDATORS:
        _register(handlers, kind)


def _register(handlers: kopf.OperatorRegistry, kind: Kind) -> None:
    @kopf.on.validate(kind.group, kind.version, kind.plural, id=kind.plural, registry=handlers)
    def validate(body: kopf.Body, warnings: list[str], **_: Any) -> None:
        warnings.extend(mistakes(kind, dict(body)))
