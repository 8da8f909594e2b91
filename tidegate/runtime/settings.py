"""What an operator may set on the command line of `tidegate controller`, and nothing else."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ssl import PROTOCOL_TLS_SERVER, SSLContext

from tidegate.runtime.admission import Certificate

PROMETHEUS_VARIABLE = "ARGO_ROLLOUTS_PROMETHEUS_ADDRESS"
MILESTONES = "milestones"
LAST_PORT = 65535


@dataclass(frozen=True)
class Settings:
    """`home` is the controller's own namespace; `namespace` "" means the whole cluster, `instance` "" the
    objects that name no instance. `applications` is the namespace whose Applications are synced, if any."""

    home: str = "default"
    instance: str = ""
    namespace: str = ""
    metrics_port: int = 8090
    health_port: int = 8080
    elect: bool = True
    observe: bool = False
    workers: int = 8
    events: str = "all"
    log_format: str = "text"
    prometheus: str = ""
    certificate: Certificate | None = None
    applications: str = ""
    git_cache: str = ""
    git_webhook_port: int | None = None
    default_directory_recurse: bool | None = None


def arguments(parser: argparse.ArgumentParser) -> None:
    """The flags; a port of 0 means a free one of loopback."""
    add = parser.add_argument
    add(
        "--instance-id",
        default="",
        help="act on objects with this instance label; none: without one",
    )
    add("--namespace", default="", help="act in this namespace alone; none: in all")
    add("--metrics-port", type=_port, default=8090, metavar="PORT", help="of /metrics; default: 8090")
    add("--healthz-port", type=_port, default=8080, metavar="PORT", help="of the probes; default: 8080")
    elect = "write only while the Lease is ours, as all should who may meet another; default: do"
    add("--leader-elect", action=argparse.BooleanOptionalAction, default=True, help=elect)
    add("--observe", action="store_true", help="write nothing, say what would be done; needs no Lease")
    many = "objects looked at at a time, and as many Applications; default: 8"
    add("--workers", type=_count, default=8, metavar="N", help=many)
    add("--webhook-certificate", default="", metavar="PEM", help="serve admission reviews; none: do not")
    add("--webhook-key", default="", metavar="PEM", help="of the certificate; none: in the same file")
    add(
        "--webhook-port", type=_port, default=9443, metavar="PORT", help="of admission reviews; default: 9443"
    )
    add(
        "--applications",
        default="",
        metavar="NAMESPACE",
        help="sync the Applications in this namespace (young; never beside Argo CD); none: touch none",
    )
    add("--git-cache", default="", metavar="DIR", help="where mirrors are kept; none: among temporary files")
    add("--git-webhook-port", type=_port, metavar="PORT", help="hear of pushes at /api/webhook; none: do not")
    add(
        "--default-directory-recurse",
        action=argparse.BooleanOptionalAction,
        help="read folders below an Application's where it does not say; none: those of an app of apps alone",
    )
    add(
        "--events",
        choices=("all", MILESTONES),
        default="all",
        help="Events about Rollouts: all that Argo Rollouts writes, or steps, pauses, verdicts and trouble",
    )
    add("--log-format", choices=("text", "json"), default="text", help="of lines on stderr; default: text")


def settings(flags: Sequence[str], environ: Mapping[str, str] = os.environ) -> Settings:
    parser = argparse.ArgumentParser(prog="tidegate controller")
    arguments(parser)
    given = parser.parse_args(flags)
    if given.applications and given.namespace:
        parser.error("--applications reads the whole cluster; leave --namespace away")
    if problem := _unreadable(given):
        parser.error(f"--webhook-certificate and --webhook-key: {problem}; name PEM files that can be read")
    return Settings(
        instance=given.instance_id,
        namespace=given.namespace,
        metrics_port=given.metrics_port,
        health_port=given.healthz_port,
        elect=given.leader_elect and not given.observe,
        observe=given.observe,
        workers=given.workers,
        events=given.events,
        log_format=given.log_format,
        prometheus=environ.get(PROMETHEUS_VARIABLE, ""),
        certificate=_certificate(given),
        applications=given.applications,
        git_cache=given.git_cache,
        git_webhook_port=given.git_webhook_port,
        default_directory_recurse=given.default_directory_recurse,
    )


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= LAST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port; write a number up to {LAST_PORT}, 0 for any")


def _count(text: str) -> int:
    if text.isdecimal() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of workers; write 1 or more")


def _unreadable(given: argparse.Namespace) -> str:
    """What is wrong with the certificate, "" for nothing: kopf would end the process for it, untold."""
    if not given.webhook_certificate:
        return ""
    try:
        SSLContext(PROTOCOL_TLS_SERVER).load_cert_chain(given.webhook_certificate, given.webhook_key or None)
    except OSError as problem:
        return problem.strerror or str(problem)
    return ""


def _certificate(given: argparse.Namespace) -> Certificate | None:
    if not given.webhook_certificate:
        return None
    key = given.webhook_key or given.webhook_certificate
    return Certificate(given.webhook_certificate, key, given.webhook_port)
