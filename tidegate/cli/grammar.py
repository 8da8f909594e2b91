"""The words of the command line, as `kubectl argo rollouts` has them; flags of the cluster stand anywhere."""

from __future__ import annotations

import re
from argparse import (
    Action,
    ArgumentError,
    ArgumentParser,
    ArgumentTypeError,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from types import MappingProxyType
from typing import Any

from crds.errors import Invalid
from crds.times import duration
from tidegate.cli import app, commands, editing, freeze
from tidegate.cli import lint as check
from tidegate.cli.cluster import SILENT, SWITCHES, cluster_flags, truth_of
from tidegate.cli.commands import ROLLOUT_WORDS
from tidegate.cli.completion import NAME, SHELLS, completion
from tidegate.cli.listing import list_rollouts

RUN_WORDS = ("analysisruns", "ar")

# A switch alone means true: argparse would take the word after it for its value.
_LONG = {
    "-w": "--watch",
    "-A": "--all-namespaces",
    "-c": "--skip-current-step",
    "-a": "--skip-all-steps",
}
_SWITCHES = {*_LONG.values(), *SWITCHES, "--timestamps", "--full", "--no-color", "--short"} | {
    "--refresh",
    "--hard-refresh",
    "--show-operation",
    "--prune",
    "--dry-run",
    "--sync",
    "--health",
    "--operation",
}
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
PLUGIN = "kubectl argo rollouts"
_EXAMPLES = """\
examples:
  {0} get rollout api --watch     follow a release
  {0} promote api                 let it go on
  {0} abort api                   all traffic back to stable
  {0} lint -f rollout.yaml        look at a manifest before it is applied
More on a command: {0} COMMAND -h"""


def spelled_out(word: str) -> list[str]:
    """`-w` as `--watch=true`, `-Aw` as two of the kind; anything else as it is."""
    letters = [f"-{letter}" for letter in word[1:]] if word.startswith("-") else []
    flags = letters if letters and all(one in _LONG for one in letters) else [word]
    spelled = [_LONG.get(flag, flag) for flag in flags]
    return [f"{flag}=true" if flag in _SWITCHES else flag for flag in spelled]


def parser(program: str = PLUGIN, beside: Mapping[str, str] = MappingProxyType({})) -> ArgumentParser:
    """Parses to `command`, a function of tidegate.cli, and what it asks for; `alone` needs no cluster, and
    `endless` has no end of its own when it is watched. `program` is what the user called it by."""
    top = ArgumentParser(
        program,
        description="Look at rollouts, and steer them.",
        epilog=_EXAMPLES.format(program),
        formatter_class=RawDescriptionHelpFormatter,
        parents=[cluster_flags()],
        allow_abbrev=False,
    )
    top.set_defaults(**SILENT, no_color=False, alone=False, endless=False, home="", crds="crds/")
    verbs = top.add_subparsers(metavar="COMMAND", required=True)
    for name, does in beside.items():
        verbs.add_parser(name, help=does)
    _look(verbs)
    _steer(verbs)
    _change(verbs)
    _applications(_group(verbs, "app", "look at applications, and sync them", "COMMAND"))
    _freezing(verbs)
    _offline(verbs, top)
    return top


def _look(verbs: Any) -> None:
    _get(_group(verbs, "get", "show a rollout or an analysis", "rollout|analysis"))
    _list(_group(verbs, "list", "list rollouts, one a line", "rollouts"))
    _status(_under(verbs, "status", "tell where a rollout stands, until it is well or is not"))


def _steer(verbs: Any) -> None:
    promote = _names(_under(verbs, "promote", "end a pause, or skip the present step"), commands.promote)
    _switch(promote, "--full", default=False, does="skip all steps, pauses and analyses")
    _switch(promote, "-c", "--skip-current-step", default=False, does="go to the next step at once")
    _switch(promote, "-a", "--skip-all-steps", default=False, does="go past the last step, as --full does")
    _names(_under(verbs, "abort", "give all traffic back to stable"), commands.abort)
    _names(_under(verbs, "retry", "walk the steps of an aborted rollout again"), commands.retry)
    _names(_under(verbs, "pause", "hold a rollout until it is promoted"), commands.pause)
    restart = _names(_under(verbs, "restart", "replace all pods of a rollout"), commands.restart)
    restart.add_argument(
        "-i", "--in", dest="after", default="0s", metavar="TIME", help="only after so long, like 30s or 5m"
    )
    runs = _group(verbs, "terminate", "have an analysis end now", "analysisrun")
    _names(_under(runs, "analysisrun", "have an analysis end now", RUN_WORDS), editing.terminate_run, "RUN")


def _change(verbs: Any) -> None:
    undo = _names(_under(verbs, "undo", "ask for the pods of an earlier revision again"), editing.undo)
    undo.add_argument(
        "--to-revision",
        type=editing.revision,
        default=0,
        metavar="N",
        help="as get rollout shows it; default: the one before",
    )
    image = _under(
        _group(verbs, "set", "change a rollout", "image"), "image", "give its containers other images"
    )
    image.add_argument("name", metavar=NAME, type=_name)
    image.add_argument(
        "images", metavar="CONTAINER=IMAGE", nargs="+", type=editing.image, help="*: all others"
    )
    image.set_defaults(command=editing.set_image)


def _freezing(verbs: Any) -> None:
    stop = _under(verbs, "freeze", "begin no canary, and take nothing back in Git")
    stop.add_argument("--reason", default="", metavar="TEXT", help="for those who wonder")
    stop.set_defaults(command=freeze.freeze, home=freeze.HOME)
    _under(verbs, "unfreeze", "end a freeze").set_defaults(command=freeze.unfreeze, home=freeze.HOME)


def _applications(group: Any) -> None:
    every = _under(group, "list", "list applications, one a line")
    every.set_defaults(command=app.list_applications, home=app.HOME, crds=app.CRDS)
    every.add_argument("-o", "--output", choices=("wide", "name", "json", "yaml"), default="wide")
    get = _application(group, "get", "show an application and its objects", app.get_application)
    get.add_argument("-o", "--output", choices=("wide", "summary", "json", "yaml"), default="wide")
    _switch(get, "--show-operation", default=False, does="with its last sync")
    _switch(get, "--refresh", default=False, does="look at Git first")
    _switch(get, "--hard-refresh", default=False, does="look at Git first, and render anew")
    sync = _application(group, "sync", "make the cluster as Git says", app.sync_application)
    sync.add_argument("--revision", default="", metavar="REVISION", help="default: the target's")
    sync.add_argument(
        "--resource", dest="resources", action="append", metavar="GROUP:KIND:NAME", help="only this object"
    )
    _switch(sync, "--prune", default=False, does="delete what is no more in Git")
    _switch(sync, "--dry-run", default=False, does="only try")
    sync.add_argument("--async", dest="no_wait", action="store_true", help="do not wait for its end")
    _application(group, "retry", "sync a release again that was rejected", app.retry_application)
    diff = _application(
        group, "diff", "show what a sync would change; exit 1 if anything", app.diff_application
    )
    diff.add_argument(
        "--default-directory-recurse",
        type=truth_of,
        default=None,
        metavar="",
        help="as the controller has it",
    )
    history = _application(group, "history", "show what was deployed, oldest first", app.show_history)
    history.add_argument("-o", "--output", choices=("wide", "id"), default="wide")
    wait = _application(group, "wait", "wait until it is synced and well; exit 1 if it will not be", app.wait)
    wait.add_argument("--revision", default="", metavar="COMMIT", help="at this commit; default: at any")
    _switch(wait, "--sync", default=False, does="until it is Synced")
    _switch(wait, "--health", default=False, does="until it is Healthy")
    _switch(wait, "--operation", default=False, does="until no sync runs; of none of the three: all of them")


def _application(group: Any, name: str, does: str, command: Callable[..., None]) -> ArgumentParser:
    made = _under(group, name, does)
    made.add_argument("name", metavar="APP", action=_Placed, help="in another namespace: NAMESPACE/APP")
    made.add_argument(
        "--timeout", default="0", metavar="TIME", type=_time, help="give up after, like 5m; 0: never"
    )
    made.set_defaults(command=command, home=app.HOME, crds=app.CRDS)
    return made


def _offline(verbs: Any, top: ArgumentParser) -> None:
    lint = _under(verbs, "lint", "tell what is wrong with manifests, without a cluster")
    lint.add_argument(
        "-f", "--filename", dest="files", action="append", required=True, metavar="FILE", help="-: stdin"
    )
    lint.set_defaults(command=check.lint, alone=True)
    shell = _under(verbs, "completion", "print what makes a shell complete these commands")
    shell.add_argument("shell", choices=tuple(SHELLS))
    shell.set_defaults(command=partial(completion, top), alone=True)
    version = _under(verbs, "version", "print the version")
    _switch(version, "--short", default=False, does="one line")
    version.set_defaults(command=commands.version, alone=True)


def _under(group: Any, name: str, does: str, aliases: tuple[str, ...] = ()) -> ArgumentParser:
    made: ArgumentParser = group.add_parser(
        name, help=does, description=does, aliases=aliases, parents=[_flags_below()], allow_abbrev=False
    )
    return made


@cache
def _flags_below() -> ArgumentParser:
    """Those of each command: made once, for somebody waits. The top, which has defaults, has its own."""
    return cluster_flags()


def _group(verbs: Any, name: str, does: str, what: str) -> Any:
    return _under(verbs, name, does).add_subparsers(metavar=what, required=True)


def _get(group: Any) -> None:
    rollout = _under(group, ROLLOUT_WORDS[0], "show a rollout and its pods", ROLLOUT_WORDS[1:])
    rollout.add_argument("name", metavar=NAME, type=_name)
    _switch(rollout, "-w", "--watch", default=False, does="again as it changes")
    _switch(rollout, "--no-color", default=False, does="plain text on a terminal too")
    rollout.add_argument("--timeout-seconds", default="0", metavar="N", help="end --watch after so long")
    rollout.set_defaults(command=commands.get_rollout, endless=True)
    analysis = _under(group, "analysis", "show what an analysis saw", ("analysisrun", *RUN_WORDS))
    analysis.add_argument(
        "name", metavar="RUN", type=_name, help="an AnalysisRun, or ROLLOUT-step-N-analysis"
    )
    _switch(analysis, "--no-color", default=False, does="plain text on a terminal too")
    analysis.set_defaults(command=commands.get_analysis)


def _list(group: Any) -> None:
    rollouts = _under(group, "rollouts", "list rollouts, one a line", ("rollout", "ro"))
    rollouts.add_argument("only", nargs="?", default="", metavar=NAME, help="this one only")
    rollouts.add_argument("--name", default="", metavar="NAME", help="this one only")
    _switch(rollouts, "-A", "--all-namespaces", default=False, does="of every namespace")
    _switch(rollouts, "-w", "--watch", default=False, does="another line for each change")
    _switch(rollouts, "--timestamps", default=False, does="when each line was told")
    rollouts.set_defaults(command=list_rollouts, endless=True)


def _status(status: ArgumentParser) -> None:
    status.add_argument("name", metavar=NAME, type=_name)
    _switch(status, "-w", "--watch", default=True, does="until it is Healthy or Degraded")
    status.add_argument(
        "-t", "--timeout", default="0", metavar="TIME", help="give up after, like 5m; 0: never"
    )
    status.set_defaults(command=commands.status)


def _names(verb: ArgumentParser, command: Callable[..., None], of: str = NAME) -> ArgumentParser:
    verb.add_argument("names", nargs="+", metavar=of, type=_name)
    verb.set_defaults(command=command)
    return verb


def _switch(verb: ArgumentParser, *flags: str, default: bool, does: str) -> None:
    told = f"{does}; default: {str(default).lower()}"
    verb.add_argument(*flags, type=truth_of, default=default, metavar="", help=told)


def _name(text: str) -> str:
    """A name, also as kubectl has it: `rollout/api`."""
    kind, slash, name = text.rpartition("/")
    if slash and kind not in (*ROLLOUT_WORDS, *RUN_WORDS, "analysisrun"):
        raise ArgumentTypeError(f"{text!r} is no name; write it alone, like {name or 'api'}")
    return _plain(name)


class _Placed(Action):
    """A name as `app list` shows it: `argocd/api-prod`."""

    def __call__(
        self,
        _top: ArgumentParser,
        asked: Namespace,
        said: str | Sequence[Any] | None,
        _flag: str | None = None,
    ) -> None:
        space, _, name = str(said).rpartition("/")
        try:
            asked.name = _plain(name)
        except ArgumentTypeError as problem:
            raise ArgumentError(self, str(problem)) from None
        if space:
            asked.namespace = space


def _time(text: str) -> str:
    """Known to be one before anything is done."""
    try:
        duration(text, "--timeout")
    except Invalid as problem:
        raise ArgumentTypeError(problem.problem) from None
    return text


def _plain(name: str) -> str:
    """An empty one, of a variable that is not set, would mean all there are."""
    if not _NAME.fullmatch(name):
        raise ArgumentTypeError(f"{name!r} is no name; write small letters, digits, - and ., like api")
    return name
