"""`tidegate app`: look at Applications, sync them, and wait for them with an exit code that CI can trust."""

from __future__ import annotations

import getpass
import json
import sys
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from crds.paths import get
from crds.times import duration
from tidegate.cli.api import Api, Raw
from tidegate.cli.failure import Failure
from tidegate.cli.live import Bell, looks
from tidegate.views import application as view
from tidegate.views.syncing import Ask, Outcome, operation_for, refresh, retried, synced

if TYPE_CHECKING:
    from gitops.compare import Comparison

HOME = "argocd"
CRDS = "crds/gitops/"


def list_applications(api: Api, asked: Namespace) -> None:
    found = list(api.applications())
    if not found:
        print(f"No applications found in namespace {api.namespace!r}.", file=sys.stderr)
    if found or asked.output in ("json", "yaml"):
        shown = {"name": view.full_names, "json": _json, "yaml": _yaml, "wide": view.applications}
        sys.stdout.write(shown[asked.output](found))


def get_application(api: Api, asked: Namespace) -> None:
    raw = api.application(asked.name)
    if asked.refresh or asked.hard_refresh:
        raw = api.change(raw, refresh("hard" if asked.hard_refresh else "normal"))
        raw = _followed(api, asked, lambda now: Outcome(not _refreshing(now)))
    shown = {"summary": view.summary, "json": _json, "yaml": _yaml, "wide": view.details}[asked.output]
    sys.stdout.write(shown(raw))
    if asked.show_operation and asked.output == "wide":
        sys.stdout.write(f"\n{view.operation(raw)}")


def sync_application(api: Api, asked: Namespace) -> None:
    """Start it, and unless --async is said see its end."""
    before = api.application(asked.name)
    ask = Ask(asked.revision, asked.prune, asked.dry_run, tuple(asked.resources or ()))
    api.change(before, operation_for(before, ask, getpass.getuser()))
    if asked.no_wait:
        print(f"application '{asked.name}' is being synced")
        return
    raw = _followed(api, asked, lambda now: synced(now, before))
    sys.stdout.write(f"{view.details(raw)}\n{view.operation(raw)}")
    if problem := synced(raw, before).problem:
        raise Failure(f"the sync of {asked.name} {problem}")


def retry_application(api: Api, asked: Namespace) -> None:
    """Let the release that was rejected last be synced again, and cancel its revert if that is not in Git."""
    raw = api.application(asked.name)
    api.change(raw, retried(raw))
    print(f"application '{asked.name}' is released; what Git declares is synced again if it is automated")


def diff_application(api: Api, asked: Namespace) -> None:
    """What a sync would change, made of the bytes that decide; exit 1 where that is anything."""
    from gitops.diff import diff
    from tidegate.cli.diffing import comparison
    from tidegate.planners.settings import Site

    site = Site(api.namespace, asked.default_directory_recurse)
    found = comparison(api.line, api.application(asked.name), site)
    sys.stdout.write(diff(found))
    if found.status != "Synced":
        raise Failure(f"application {asked.name} is {found.status}: {_differing(found)}")


def _differing(found: Comparison) -> str:
    return "; ".join(f"{one.key}{f' ({one.why})' if one.why else ''}" for one in found.different)


def show_history(api: Api, asked: Namespace) -> None:
    shown = {"wide": view.history, "id": view.history_ids}[asked.output]
    sys.stdout.write(shown(api.application(asked.name)))


def wait(api: Api, asked: Namespace) -> None:
    """Until it is synced and well, or what of that is asked for; a failed sync and a rejected release are
    failures at once."""
    from tidegate.cli.lineage import lineage
    from tidegate.views.settling import EVERYTHING, overtaken, settled

    repo = get(api.application(asked.name), "spec", "source", "repoURL", default="")
    wanted = frozenset(one for one in EVERYTHING if getattr(asked, one)) or EVERYTHING
    with lineage(api.line, api.namespace, repo) as found:
        outcome = partial(settled, revision=asked.revision, contains=found.contains, wanted=wanted)
        raw = _followed(api, asked, outcome)
        problem = outcome(raw).problem
    sys.stdout.write(view.details(raw))
    if problem:
        raise Failure(f"application {asked.name}: {problem}")
    if later := overtaken(raw, asked.revision):
        print(f"{asked.revision} was overtaken by {later}, which is synced and well", file=sys.stderr)


def _followed(api: Api, asked: Namespace, outcome: Callable[[Raw], Outcome]) -> Raw:
    """The Application once there is an outcome. Failure where there is none in time."""
    seconds = duration(asked.timeout, "--timeout").total_seconds() or float("inf")
    last: Raw = {}
    for seen in looks(lambda: api.application(asked.name), Bell(()), seconds):
        last = seen or last
        if seen and outcome(seen).done:
            return seen
    sys.stdout.write(view.details(last))
    raise Failure(f"timed out after {asked.timeout}; application {asked.name} is shown as it stands")


def _refreshing(raw: Raw) -> bool:
    return "argocd.argoproj.io/refresh" in (raw["metadata"].get("annotations") or {})


def _yaml(raw: Raw | list[Raw]) -> str:
    import yaml

    return yaml.safe_dump(raw, sort_keys=False, allow_unicode=True)


def _json(raw: Raw | list[Raw]) -> str:
    return json.dumps(raw, indent=2) + "\n"
