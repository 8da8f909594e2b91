"""What `kubectl apply` hears at once: every mistake in an object of ours, as a warning.

Nothing is refused: what Argo's CRDs accept is admitted, and the object's condition is the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import kopf

from crds.analysis import parse_run, parse_template
from crds.errors import Invalid
from crds.refs import ANALYSIS_RUN, ANALYSIS_TEMPLATE, ROLLOUT, Kind
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


def typed(read: Callable[[Raw], Any]) -> Validator:
    """Only that it can be read."""

    def validator(raw: Raw) -> tuple[str, ...]:
        read(raw)
        return ()

    return validator


VALIDATORS: dict[Kind, Validator] = {
    ROLLOUT: rollout,
    ANALYSIS_RUN: typed(parse_run),
    ANALYSIS_TEMPLATE: typed(parse_template),
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
