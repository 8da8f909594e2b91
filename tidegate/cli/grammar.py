"""The words of the command line, as `kubectl argo rollouts` has them; flags of the cluster stand anywhere."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import Any

from tidegate.cli import commands
from tidegate.cli.commands import ROLLOUT_WORDS

# A switch alone means true: argparse would take the word after it for its value.
_SWITCHES = {"-w": "--watch", "--watch": "--watch"} | {s: s for s in ("--full", "--no-color", "--short")}


def spelled_out(word: str) -> str:
    """`-w` as `--watch=true`; anything else as it is."""
    return f"{_SWITCHES[word]}=true" if word in _SWITCHES else word


def parser() -> ArgumentParser:
    """Parses to `command`, a function of tidegate.cli.commands, and what it asks for."""
    top = ArgumentParser("kubectl argo rollouts", parents=[_anywhere()], allow_abbrev=False)
    top.set_defaults(namespace="", context="", kubeconfig="", no_color=False)
    verbs = top.add_subparsers(metavar="COMMAND", required=True)
    _get(_under(verbs, "get", "show a rollout or an analysis").add_subparsers(metavar="WHAT", required=True))
    _status(_under(verbs, "status", "tell where a rollout stands, until it is well or is not"))
    _promote(_under(verbs, "promote", "end a pause, or skip the present step"))
    _names(_under(verbs, "abort", "give all traffic back to stable"), commands.abort)
    _names(_under(verbs, "retry", "walk the steps of an aborted rollout again"), commands.retry)
    _version(_under(verbs, "version", "print the version"))
    return top


def _anywhere() -> ArgumentParser:
    # SUPPRESS: what was said before the command is not undone by silence after it.
    flags = ArgumentParser(add_help=False, argument_default=SUPPRESS)
    flags.add_argument("-n", "--namespace", metavar="NAME", help="default: that of the context")
    flags.add_argument("--context", metavar="NAME", help="default: the current one")
    flags.add_argument("--kubeconfig", metavar="FILE", help="default: KUBECONFIG, then ~/.kube/config")
    return flags


def _under(group: Any, name: str, does: str, aliases: tuple[str, ...] = ()) -> ArgumentParser:
    made: ArgumentParser = group.add_parser(
        name, help=does, description=does, aliases=aliases, parents=[_anywhere()], allow_abbrev=False
    )
    return made


def _get(group: Any) -> None:
    rollout = _under(group, ROLLOUT_WORDS[0], "show a rollout and its pods", ROLLOUT_WORDS[1:])
    rollout.add_argument("name", metavar="NAME")
    _switch(rollout, "-w", "--watch", default=False)
    _switch(rollout, "--no-color", default=False)
    rollout.add_argument("--timeout-seconds", default="0", metavar="N", help="end --watch after so long")
    rollout.set_defaults(command=commands.get_rollout)
    analysis = _under(group, "analysis", "show what an analysis saw", ("analysisrun", "ar"))
    analysis.add_argument("name", metavar="NAME", help="an AnalysisRun, or ROLLOUT-step-N-analysis")
    _switch(analysis, "--no-color", default=False)
    analysis.set_defaults(command=commands.get_analysis)


def _status(status: ArgumentParser) -> None:
    status.add_argument("name", metavar="NAME")
    _switch(status, "-w", "--watch", default=True)
    status.add_argument(
        "-t", "--timeout", default="0", metavar="TIME", help="give up after, like 5m; 0: never"
    )
    status.set_defaults(command=commands.status)


def _promote(promote: ArgumentParser) -> None:
    _names(promote, commands.promote)
    _switch(promote, "--full", default=False)


def _version(version: ArgumentParser) -> None:
    _switch(version, "--short", default=False)
    version.set_defaults(command=commands.version)


def _names(verb: ArgumentParser, command: Callable[..., None]) -> None:
    verb.add_argument("names", nargs="+", metavar="NAME")
    verb.set_defaults(command=command)


def _switch(verb: ArgumentParser, *flags: str, default: bool) -> None:
    verb.add_argument(*flags, type=_truth, default=default, metavar="true|false", help=f"default: {default}")


def _truth(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() == "true"
