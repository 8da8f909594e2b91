"""`kubectl argo rollouts ...`: understand, obey, and end with an exit code and a reason."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import TextIOWrapper
from types import MappingProxyType

from crds.errors import Invalid
from tidegate import VERSION
from tidegate.cli.absent import instead
from tidegate.cli.api import Api, Line
from tidegate.cli.cluster import SILENT, cluster_flags, connection
from tidegate.cli.completion import answer
from tidegate.cli.explain import explained
from tidegate.cli.failure import Failure
from tidegate.cli.grammar import PLUGIN, parser, spelled_out
from tidegate.cli.streams import INTERRUPTED, opened, said, written
from tidegate.kube.config import ConfigError
from tidegate.kube.errors import KubeError
from tidegate.views.steering import Refused

Connect = Callable[[Namespace], tuple[Line, str]]


def plugin() -> int:
    """The entry point that kubectl finds as `kubectl-argo-rollouts`; the exit code."""
    return run(sys.argv[1:])


def run(
    words: Sequence[str],
    connect: Connect | None = None,
    program: str = PLUGIN,
    beside: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Obey a command line: 0 when done, 1 with the reason on stderr, 2 when it is not understood, 130 when
    interrupted. `beside` are commands of the program that are not obeyed here, with their help."""
    opened()
    if list(words[:1]) == ["__complete"]:  # kubectl asks so, with half a line that need not parse
        return written(lambda: print(_completed(list(words[1:]), connect or _connect)))
    if told := instead(_without_flags(words)):
        return said(told)
    asked = _parsed(words, parser(program, beside))
    try:
        return _tried(asked, connect or _connect)
    except KeyboardInterrupt:  # the usual end of --watch; a wait that was cut short has not seen its end
        return 0 if asked.endless and asked.watch else INTERRUPTED


def _without_flags(words: Sequence[str]) -> list[str]:
    _, rest = cluster_flags().parse_known_args(_spelled(words))
    return [word for word in rest if not word.startswith("-")]


def _parsed(words: Sequence[str], top: ArgumentParser) -> Namespace:
    """`help get` is `get -h`; who says nothing is told everything."""
    if not words:
        top.print_help(sys.stderr)
        raise SystemExit(2)
    helped = [*words[1:], "-h"] if words[0] == "help" else words
    return top.parse_args(_spelled(helped))


def _spelled(words: Sequence[str]) -> list[str]:
    return [flag for word in words for flag in spelled_out(word)]


def _tried(asked: Namespace, connect: Connect) -> int:
    if isinstance(sys.stdout, TextIOWrapper):  # a terminal that knows no ✔ shows ? instead
        sys.stdout.reconfigure(errors="replace")
    try:
        return written(lambda: _obey(asked, connect))
    except (Failure, Refused, ConfigError, Invalid) as problem:
        return said(str(problem))
    except KubeError as problem:
        return said(explained(problem, asked.namespace, asked.crds))


def _obey(asked: Namespace, connect: Connect) -> None:
    if asked.alone:
        asked.command(asked)
        return
    line, namespace = connect(asked)
    asked.namespace = asked.namespace or asked.home or namespace
    asked.command(Api(line, asked.namespace), asked)


def _completed(words: list[str], connect: Connect) -> str:
    return answer(parser(), words, lambda: _rollouts(words, connect))


def _rollouts(words: Sequence[str], connect: Connect) -> tuple[str, ...]:
    """Their names, for who is still typing: where they cannot be told, none."""
    with suppress(KubeError, ConfigError, SystemExit):
        asked, _ = cluster_flags().parse_known_args(_spelled(words), Namespace(**SILENT))
        line, namespace = connect(asked)
        found, _ = Api(line, asked.namespace or namespace).rollouts()
        return tuple(one["metadata"]["name"] for one in found)
    return ()


def _connect(asked: Namespace) -> tuple[Line, str]:
    """A sender to the cluster asked for, and the namespace its context names."""
    from tidegate.kube.sync import SyncSender

    way = connection(asked)
    return SyncSender(way, f"tidegate/{VERSION}"), way.namespace
