"""Who is asked for a metric: `provider.prometheus` as it is written, and by name what is not measured.

What is written and not acted on is refused: a header passed over would ask another tenant's Prometheus.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import msgspec

from crds.addresses import hidden
from crds.analysis import Metric
from crds.errors import Invalid, NotMeasured
from crds.meta import read
from crds.times import duration

OTHERS = (
    "web",
    "job",
    "kayenta",
    "datadog",
    "newRelic",
    "wavefront",
    "cloudWatch",
    "graphite",
    "influxdb",
    "skywalking",
    "plugin",
)
"""Argo's providers beside prometheus."""
LONGEST = 300
INSTEAD = "write prometheus, or leave this Rollout to Argo Rollouts"
_BACK = re.compile(r"""\s*-\s*duration\(\s*(?:'([^']+)'|"([^"]+)")\s*\)""")
_MOMENT = re.compile(rf"\s*now\(\)((?:{_BACK.pattern})*)\s*")


class Header(msgspec.Struct, frozen=True):
    key: str
    value: str


class BasicAuth(msgspec.Struct, frozen=True):
    username: str = ""
    password: str = ""


class OAuth2(msgspec.Struct, frozen=True, rename="camel"):
    """Client credentials: a token is asked for at `tokenUrl` and sent with every query."""

    token_url: str = ""
    client_id: str = ""
    client_secret: str = ""
    scopes: tuple[str, ...] = ()


class Authentication(msgspec.Struct, frozen=True, rename="camel"):
    basic_auth: BasicAuth | None = None
    oauth2: OAuth2 | None = None
    sigv4: dict[str, Any] | None = None


class Server(msgspec.Struct, frozen=True, rename="camel"):
    """A Prometheus: `address` "" is the controller's default; `timeout` in seconds, 0 for the usual one."""

    address: str = ""
    timeout: float = 0
    insecure: bool = False
    headers: tuple[Header, ...] = ()
    authentication: Authentication = Authentication()

    def __repr__(self) -> str:
        """Without what may hold secrets."""
        return "Server()"

    def __str__(self) -> str:
        return hidden(self.address) or "Prometheus"


class Range(msgspec.Struct, frozen=True):
    """From and until how long ago, and how far apart."""

    start: timedelta
    end: timedelta
    step: timedelta


class Prometheus(msgspec.Struct, frozen=True):
    """Without `span` the query is evaluated once."""

    server: Server
    query: str = ""
    span: Range | None = None


class WrittenRange(msgspec.Struct, frozen=True):
    start: str = ""
    end: str = "now()"
    step: str = ""


class Written(Server, frozen=True, rename="camel"):
    """All that may stand under `prometheus`."""

    query: str = ""
    range_query: WrittenRange | None = None


def read_server(metric: Metric, path: str) -> Server:
    """`path` is where the metric stands; Invalid names the field below it and the fix."""
    return _server(_written(metric, path), f"{path}.provider.prometheus")


def read_prometheus(metric: Metric, path: str) -> Prometheus:
    """`path` is where the metric stands; Invalid names the field below it and the fix."""
    where, written = f"{path}.provider.prometheus", _written(metric, path)
    server = _server(written, where)
    if not written.query.strip():
        raise Invalid(f"{where}.query", "is missing; add it, or give the metric a statistics block")
    span = _range(written.range_query, f"{where}.rangeQuery") if written.range_query else None
    return Prometheus(server, written.query, span)


def _written(metric: Metric, path: str) -> Written:
    names = list(metric.provider) or ["none"]
    where = f"{path}.provider.{names[0]}"
    if len(names) > 1:
        raise Invalid(f"{path}.provider", f"names {' and '.join(names)}; give each a metric of its own")
    if names[0] in OTHERS:
        raise NotMeasured(where, f"is not measured yet; {INSTEAD}, or give the metric a statistics block")
    if names[0] != "prometheus":
        raise Invalid(where, f"is no provider; known: prometheus, and Argo's {', '.join(OTHERS)}")
    written = metric.provider["prometheus"]
    if not isinstance(written, dict):
        raise Invalid(where, f"{written!r} does not fit here; write address and query below it")
    return read(written, Written, *where.split("."))


def _server(written: Written, where: str) -> Server:
    oauth2, sigv4 = written.authentication.oauth2, written.authentication.sigv4
    if sigv4 is not None:
        fix = "requests are not signed for AWS; let address be a proxy that signs them, and remove it"
        raise NotMeasured(f"{where}.authentication.sigv4", fix)
    if not 0 <= written.timeout <= LONGEST:
        raise Invalid(f"{where}.timeout", f"{written.timeout:g} is no patience; write 1 to {LONGEST} seconds")
    if oauth2 and not (oauth2.token_url and oauth2.client_id):
        raise Invalid(f"{where}.authentication.oauth2", "needs tokenUrl and clientId; add them")
    return Server(**{field: getattr(written, field) for field in Server.__struct_fields__})


def _range(given: WrittenRange, path: str) -> Range:
    step = duration(given.step, f"{path}.step") if given.step else timedelta()
    if step <= timedelta():
        raise Invalid(f"{path}.step", "is missing; write one like 1m")
    span = Range(_ago(given.start, f"{path}.start"), _ago(given.end, f"{path}.end"), step)
    if span.start <= span.end:
        raise Invalid(f"{path}.start", "is not before end; write one like now() - duration('5m')")
    return span


def _ago(written: str, path: str) -> timedelta:
    """How long before now: `now()`, or `now() - duration("5m")`, as expr-lang has it."""
    found = _MOMENT.fullmatch(written)
    if found is None:
        raise Invalid(path, f"{written!r} is not understood; write now() or now() - duration('5m')")
    back = (duration(one or other, path) for one, other in _BACK.findall(found[1]))
    return sum(back, timedelta())
