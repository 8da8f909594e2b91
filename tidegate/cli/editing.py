"""The commands that write a pod template, or end an analysis: undo, set image, terminate."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace

from crds.paths import get
from tidegate.cli.api import Api
from tidegate.kube.errors import Conflict
from tidegate.views.steering import Refused
from tidegate.views.templates import undone, with_images

TRIES = 5
_OVER = {"Successful", "Failed", "Error", "Inconclusive"}


def undo(api: Api, asked: Namespace) -> None:
    """Ask for the pod template of an earlier revision again."""
    for name in asked.names:
        rollout = api.rollout(name)
        api.retemplate(name, undone(rollout, api.replica_sets(rollout), asked.to_revision))
        print(f"rollout '{name}' undo")


def set_image(api: Api, asked: Namespace) -> None:
    """Read the Rollout and write it back with other images, again where somebody wrote in between."""
    for left in reversed(range(TRIES)):
        try:
            api.replace(with_images(api.rollout(asked.name), dict(asked.images)))
            break
        except Conflict:
            if not left:
                raise
    print(f'rollout "{asked.name}" image updated')


def terminate_run(api: Api, asked: Namespace) -> None:
    """Have analyses end now, with what they know."""
    for name in asked.names:
        phase = get(api.analysis_run(name), "status", "phase")
        if phase in _OVER:
            raise Refused(f"analysisrun '{name}' is over already: it is {phase}.")
        api.terminate(name)
        print(f"analysisrun '{name}' terminated")


def image(text: str) -> tuple[str, str]:
    """`CONTAINER=IMAGE` as a pair."""
    container, _, wanted = text.partition("=")
    if not (container and wanted):
        raise ArgumentTypeError(f"{text!r} is no CONTAINER=IMAGE; write like api=registry/api:v2, or *=...")
    return container, wanted


def revision(text: str) -> int:
    """A revision's number, 0 meaning the one before."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no revision; write its number, as get rollout shows it")
    return int(text)
