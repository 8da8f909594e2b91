"""The commands of `kubectl argo rollouts`: each reads or patches objects, and prints what people know."""

from __future__ import annotations

import os
import platform
import sys
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from crds.paths import get
from crds.times import duration
from tidegate import VERSION
from tidegate.cli.api import Api, Raw
from tidegate.cli.failure import Failure
from tidegate.cli.live import SILENT, Bell, drawing, looks, printing
from tidegate.kube.errors import Conflict, NotFound
from tidegate.views.ages import span
from tidegate.views.rollout import RolloutView, view
from tidegate.views.screen import coloured, one_line, screen
from tidegate.views.status import Standing, standing
from tidegate.views.steering import Promotion, Verb, patch_for

if TYPE_CHECKING:
    from tidegate.views.analysis import Evidence

ROLLOUT_WORDS = ("rollout", "rollouts", "ro")
NOW = timedelta()
DONE: dict[Verb, str] = {
    "promote": "promoted",
    "promote-full": "fully promoted",
    "skip-step": "promoted",
    "skip-steps": "promoted",
    "abort": "aborted",
    "retry": "retried",
    "pause": "paused",
}
# What a person may say without having looked: it stands for itself wherever the walk is by now.
UNREAD: tuple[Verb, ...] = ("abort", "pause", "restart")


def get_rollout(api: Api, asked: Namespace) -> None:
    """Show a Rollout and its family, once or for as long as it is watched."""
    if not asked.watch:
        _show(screen(_view(api, asked.name)), asked)
    elif sys.stdout.isatty():
        _redraw(api, asked)
    else:
        _print_changes(api, asked)


def get_analysis(api: Api, asked: Namespace) -> None:
    """Show a run by its own name, or by its step's: `api-step-2-analysis`."""
    from tidegate.views.analysis import Evidence, analysis_screen

    found: Evidence | None
    try:
        found = Evidence(api.analysis_run(asked.name))
    except NotFound:
        found = _of_step(api, asked.name)
        if found is None:
            raise
    _show(analysis_screen(found, _now()), asked)


def _of_step(api: Api, name: str) -> Evidence | None:
    """The evidence that `ROLLOUT-step-N-analysis` asks for."""
    from tidegate.views.analysis import evidence, rollout_of

    rollout = rollout_of(name)
    return evidence(name, api.analysis_runs(), api.rollout(rollout)) if rollout else None


def status(api: Api, asked: Namespace) -> None:
    """Print the standing, and with --watch each that follows until one is Healthy or Degraded."""
    last = _followed(api, asked) if asked.watch else standing(api.rollout(asked.name))
    if not asked.watch:
        print(last.line)
    if last.phase == "Degraded":
        raise Failure(f"The rollout is in a degraded state with message: {last.message}")
    if asked.watch and not last.settled:
        raise Failure(f"Rollout status watch exceeded timeout: after {asked.timeout} it is {last.line}")


def promote(api: Api, asked: Namespace) -> None:
    said: dict[Promotion, bool] = {
        "promote-full": asked.full,
        "skip-step": asked.skip_current_step,
        "skip-steps": asked.skip_all_steps,
    }
    verbs = [verb for verb, meant in said.items() if meant]
    if len(verbs) > 1:
        raise Failure("--full, --skip-current-step and --skip-all-steps say three things; say one of them")
    _steer(api, verbs[0] if verbs else "promote", asked.names)


def abort(api: Api, asked: Namespace) -> None:
    _steer(api, "abort", asked.names)


def retry(api: Api, asked: Namespace) -> None:
    """`retry rollout api`, and `retry api`."""
    names = asked.names[1:] if asked.names[0] in ROLLOUT_WORDS else asked.names
    if not names:
        raise Failure("retry which rollout? Write: kubectl argo rollouts retry rollout NAME")
    _steer(api, "retry", names)


def pause(api: Api, asked: Namespace) -> None:
    _steer(api, "pause", asked.names)


def restart(api: Api, asked: Namespace) -> None:
    """Replace its pods, now or after a while."""
    after = duration(asked.after, "--in")
    for name in asked.names:
        _say(api, "restart", name, after)
        print(f"rollout '{name}' restarts in {span(after)}")


def version(asked: Namespace) -> None:
    print(f"kubectl-argo-rollouts: v{VERSION}+tidegate")
    if not asked.short:
        print(f"  Python: {platform.python_version()}")
        print(f"  Platform: {platform.system().lower()}/{platform.machine()}")


def _steer(api: Api, verb: Verb, names: list[str]) -> None:
    for name in names:
        _say(api, verb, name)
        print(f"rollout '{name}' {DONE[verb]}")


def _say(api: Api, verb: Verb, name: str, after: timedelta = NOW) -> None:
    """Abort, pause and restart always go out; any other word holds for the step it was said about.

    Where the Rollout is elsewhere by now, nothing is sent: a promote that ends a hold must not open
    the approval behind it, to which the hold may just have led.
    """
    rollout = meant = api.rollout(name)
    while _place(rollout) == _place(meant):
        try:
            return api.steer(rollout, patch_for(verb, rollout, _now() + after), unread=verb in UNREAD)
        except Conflict:
            rollout = api.rollout(name)
    raise Failure(
        f"rollout '{name}' moved on while you spoke; nothing was changed. Look at it, and say it again"
    )


def _place(rollout: Raw) -> tuple[Any, ...]:
    """Which revision, step and pause a Rollout is in."""
    status = ("currentPodHash", "currentStepIndex", "pauseConditions", "abort")
    return tuple(get(rollout, "status", key) for key in status)


def _view(api: Api, name: str) -> RolloutView:
    rollout = api.rollout(name)
    return view(rollout, api.parts(rollout), _now())


def _redraw(api: Api, asked: Namespace) -> None:
    text = ""
    with drawing() as draw:
        for seen in looks(lambda: _view(api, asked.name), _bell(api, asked), _seconds(asked.timeout_seconds)):
            text = screen(seen, get_terminal_size().lines) if seen else f"{text.removesuffix(SILENT)}{SILENT}"
            draw(_painted(text, asked))


def _print_changes(api: Api, asked: Namespace) -> None:
    say = printing()
    for seen in looks(lambda: _view(api, asked.name), _bell(api, asked), _seconds(asked.timeout_seconds)):
        say(one_line(seen) if seen else SILENT)


def _followed(api: Api, asked: Namespace) -> Standing:
    say, last = printing(), Standing("Unknown")
    for seen in looks(lambda: standing(api.rollout(asked.name)), _bell(api, asked), _seconds(asked.timeout)):
        last = seen or last
        say(last.line if seen else SILENT)
        if last.settled:
            break
    return last


def _bell(api: Api, asked: Namespace) -> Bell:
    return Bell(api.changes(api.rollout(asked.name)))


def _seconds(written: str) -> float:
    """A time limit; 0 means none."""
    return duration(written, "the time limit").total_seconds() or float("inf")


def _show(text: str, asked: Namespace) -> None:
    sys.stdout.write(_painted(text, asked))


def _painted(text: str, asked: Namespace) -> str:
    """In colours, on a terminal whose person did not say otherwise."""
    plain = asked.no_color or "NO_COLOR" in os.environ or not sys.stdout.isatty()
    return text if plain else coloured(text)


def _now() -> datetime:
    return datetime.now(UTC)
