"""What `error-rate` means: the counters behind the metrics that users name in a Rollout's inline analysis.

A ConfigMap adds entries and replaces built-in ones; a built-in one serves Istio's standard metrics. The
shell parses its YAML; here it is a mapping of names to entries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from crds.errors import Invalid
from crds.paths import show

DEFAULT_ADDRESS = "http://prometheus.istio-system.svc.cluster.local:9090"


class Arm(msgspec.Struct, frozen=True):
    """One side of a rollout, as traffic and metrics may know it; what is not used is empty.

    `service` may be a host, `api.production.svc.cluster.local`; its first part is what is filled in.
    """

    namespace: str
    rollout: str
    service: str = ""
    subset: str = ""
    hash: str = ""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Raw counter selectors with placeholders like `{{subset}}` inside quotes, and whom to ask."""

    errors: str
    total: str
    address: str = ""


class Counters(msgspec.Struct, frozen=True):
    """An entry resolved for one arm: PromQL selectors, and Prometheus' address."""

    errors: str
    total: str
    address: str


Catalogue = Mapping[str, Entry]

# Both count what the caller saw, so that a connection refused is an error; and both name the arm by the
# cluster the caller's proxy chose, which is there with host-level and with subset-level routing.
# A proxy answers for UF, UC, UO and URX with 503, so that the code covers them.
_CLUSTER = r"outbound\\|[0-9]+\\|{{subset}}\\|{{service}}\\.{{namespace}}\\..*"
_ISTIO = f'istio_requests_total{{reporter="source",upstream_cluster=~"{_CLUSTER}"'
_ENVOY = f'envoy_cluster_upstream_rq{{envoy_cluster_name=~"{_CLUSTER}"'
BUILT_IN: Mapping[str, Entry] = {
    "error-rate": Entry(errors=f'{_ISTIO},response_code=~"5.."}}', total=f"{_ISTIO}}}"),
    "error-rate-envoy": Entry(errors=f'{_ENVOY},envoy_response_code=~"5.."}}', total=f"{_ENVOY}}}"),
}


def read(data: Mapping[str, Any], address: str = "") -> Catalogue:
    """The built-in entries under those of the ConfigMap's `data`, its values already parsed.

    `address` (ARGO_ROLLOUTS_PROMETHEUS_ADDRESS) serves entries that name none.
    """
    entries = {**BUILT_IN, **{name: _entry(name, written) for name, written in data.items()}}
    default = address or DEFAULT_ADDRESS
    return {
        name: msgspec.structs.replace(entry, address=entry.address or default)
        for name, entry in entries.items()
    }


def _entry(name: str, written: Any) -> Entry:
    try:
        return msgspec.convert(written, Entry)
    except msgspec.ValidationError as error:
        problem = f"{error}; write a mapping of errors, total and address"
        raise Invalid(show("data", name), problem) from None


def resolve(catalogue: Catalogue, metric: str, arm: Arm, path: str = "name") -> Counters:
    """The counters of `metric` for `arm`; Invalid names `path`, where it was asked for, or the entry."""
    if metric not in catalogue:
        known = ", ".join(sorted(catalogue))
        raise Invalid(
            path,
            f"{metric!r} is not in the metrics catalogue; write one of {known}, or add it to its ConfigMap",
        )
    entry = catalogue[metric]
    return Counters(
        errors=_filled(entry.errors, arm, f"{metric}.errors"),
        total=_filled(entry.total, arm, f"{metric}.total"),
        address=entry.address,
    )


MATCHER = re.compile(r'(=~|!~|!=|=)(\s*)"((?:[^"\\]|\\.)*)"')
_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


def _filled(selector: str, arm: Arm, path: str) -> str:
    """`selector` with its placeholders replaced, each escaped for the matcher it stands in."""
    values = msgspec.structs.asdict(arm) | {"service": arm.service.partition(".")[0]}

    def matcher(found: re.Match[str]) -> str:
        operator, space, text = found.groups()
        return f'{operator}{space}"{_PLACEHOLDER.sub(lambda name: escaped(name[1], operator), text)}"'

    def escaped(name: str, operator: str) -> str:
        if name not in values:
            raise Invalid(path, f"{{{{{name}}}}} is unknown; known: {', '.join(values)}")
        value = _SPECIAL.sub(r"\\\1", values[name]) if operator.endswith("~") else values[name]
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    filled = MATCHER.sub(matcher, selector)
    if stray := _PLACEHOLDER.search(MATCHER.sub("", selector)):
        raise Invalid(path, f'{stray[0]} stands outside of quotes; write it as a value, label="{stray[0]}"')
    return filled
