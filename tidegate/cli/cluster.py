"""Which cluster and namespace is meant, and who asks: kubectl's own flags, for scripts carry them along."""

from __future__ import annotations

import os
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from crds.errors import Invalid
from crds.times import duration
from tidegate.kube.config import Connection, Overrides, load

CLUSTER = ("server", "certificate-authority", "tls-server-name", "insecure-skip-tls-verify")
USER = ("token", "username", "password", "client-certificate", "client-key", "as", "as-uid", "as-groups")
ENTRIES = ("cluster", "user")
WITHOUT_EFFECT = ("cache-dir", "loglevel", "kloglevel")
SWITCHES = ("--insecure-skip-tls-verify", "--disable-compression", "--match-server-version")
SILENT: dict[str, Any] = {"namespace": "", "context": "", "kubeconfig": "", "request-timeout": 0.0}


def cluster_flags() -> ArgumentParser:
    """The flags that may stand anywhere; silence says nothing. Only the first three are in the help."""
    # SUPPRESS: what was said before the command is not undone by silence after it.
    flags = ArgumentParser(add_help=False, argument_default=SUPPRESS, allow_abbrev=False)
    flags.add_argument("-n", "--namespace", metavar="NAME", help="default: that of the context")
    flags.add_argument("--context", metavar="NAME", help="default: the current one")
    flags.add_argument("--kubeconfig", metavar="FILE", help="default: KUBECONFIG, then ~/.kube/config")
    flags.add_argument("-s", "--server", dest="server", help=SUPPRESS)
    flags.add_argument("--as-group", dest="as-groups", action="append", help=SUPPRESS)
    flags.add_argument("--request-timeout", dest="request-timeout", type=_seconds, help=SUPPRESS)
    flags.add_argument("-v", "--v", help=SUPPRESS)
    spelled_apart = ("server", "as-groups")
    for name in (*CLUSTER, *USER, *ENTRIES, *WITHOUT_EFFECT, *(one.strip("-") for one in SWITCHES[1:])):
        if name not in spelled_apart:
            truth = truth_of if f"--{name}" in SWITCHES else str
            flags.add_argument(f"--{name}", dest=name, type=truth, help=SUPPRESS)
    return flags


def connection(asked: Namespace) -> Connection:
    """The way to the cluster asked for. Raises ConfigError."""
    said = vars(asked)
    environ = {**os.environ, **({"KUBECONFIG": asked.kubeconfig} if asked.kubeconfig else {})}
    overrides = Overrides(
        cluster=said.get("cluster", ""),
        user=said.get("user", ""),
        of_cluster={name: said[name] for name in CLUSTER if said.get(name)},
        of_user={name: said[name] for name in USER if said.get(name)},
        timeout=said.get("request-timeout", 0.0),
    )
    return load(asked.context, environ, overrides)


def truth_of(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


def _seconds(text: str) -> float:
    """A number of seconds, or a time like 30s; 0 means no limit of the caller's."""
    try:
        return duration(text, "--request-timeout").total_seconds()
    except Invalid as problem:
        raise ArgumentTypeError(problem.problem) from None
