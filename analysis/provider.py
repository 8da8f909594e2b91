"""Who is asked for a metric: `provider.prometheus` as it is written, and by name what is not measured.

What is written and not acted on is refused: a header passed over would ask another tenant's Prometheus.
"""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec

from crds.analysis import Metric
from crds.errors import Invalid, NotMeasured
from crds.meta import read
from crds.paths import get
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
        return self.address or "Prometheus"


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


def read_server(metric: Metric, path: str) -> Server:
    """`path` is where the metric stands; Invalid names the field below it and the fix."""
    where = f"{path}.provider.prometheus"
    written = _written(metric, path)
    if get(written, "authentication", "sigv4") is not None:
        fix = "requests are not signed for AWS; let address be a proxy that signs them, and remove it"
        raise NotMeasured(f"{where}.authentication.sigv4", fix)
    server = read(written, Server, *where.split("."))
    if not 0 <= server.timeout <= LONGEST:
        raise Invalid(f"{where}.timeout", f"{server.timeout:g} is no patience; write 1 to {LONGEST} seconds")
    oauth2 = server.authentication.oauth2
    if oauth2 and not (oauth2.token_url and oauth2.client_id):
        raise Invalid(f"{where}.authentication.oauth2", "needs tokenUrl and clientId; add them")
    return server


def read_prometheus(metric: Metric, path: str) -> Prometheus:
    """`path` is where the metric stands; Invalid names the field below it and the fix."""
    where, written = f"{path}.provider.prometheus", _written(metric, path)
    server, query = read_server(metric, path), get(written, "query", default="")
    if not isinstance(query, str) or not query.strip():
        raise Invalid(f"{where}.query", "is missing; add it, or give the metric a statistics block")
    ranged = get(written, "rangeQuery")
    return Prometheus(server, query, _range(ranged, f"{where}.rangeQuery") if ranged is not None else None)


def _written(metric: Metric, path: str) -> dict[str, object]:
    """What is written under `prometheus`."""
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
    return written


def _range(written: object, path: str) -> Range:
    given = read(written, WrittenRange, *path.split("."))
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
