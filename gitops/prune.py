"""What is no more in Git is deleted, highest wave first, when all else has been applied.

What asks to be left alone is left alone, and so are ConfigMaps and Secrets while a Rollout is between two
revisions: pods of the older one read them when they start. What asks for a confirmation waits for a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from msgspec.structs import replace

from crds.application_status import ResourceResult
from crds.times import parse
from gitops.actions import Step
from gitops.claims import BEHIND, patience
from gitops.compare import NO_PRUNE, kept_for
from gitops.hooks import removal
from gitops.objects import Key, group_version, key_of
from gitops.order import height
from gitops.results import SUCCEEDED, recorded, results
from gitops.scene import Scene, key_of_result
from gitops.waiting import WAITS_FOR_CONFIRMATION

Raw = dict[str, Any]
PRUNED, SKIPPED = "Pruned", "PruneSkipped"
APPROVED = "argocd.argoproj.io/deletion-approved"


def prune(scene: Scene) -> Step | None:
    """The next deletions, or the wait for those of a higher wave; None where nothing is left to do."""
    told = _told(scene)
    left = {key_of(raw): raw for raw in scene.surplus if key_of(raw) not in told}
    skipped = [_result(raw, SKIPPED, why) for raw in left.values() if (why := spared(scene, raw))]
    if asking := [key for key, raw in left.items() if _asks(scene, raw) and not spared(scene, raw)]:
        return _unconfirmed(scene, asking)
    for group in _waves(scene):
        doomed = [raw for raw in group if not spared(scene, raw)]
        if due := [raw for raw in doomed if key_of(raw) in left]:
            if at := patience(scene.behind, scene.state.started_at, scene.now):
                return Step((), scene.state, f"{BEHIND} {scene.behind}", at)
            said = recorded(scene, [*skipped, *(_result(raw, PRUNED, "pruned") for raw in due)])
            propagation = scene.options.propagation
            removals = tuple(removal(key_of(raw), raw, propagation) for raw in due)
            return Step(removals, said, f"pruning {', '.join(str(key_of(raw)) for raw in due)}")
        if doomed and any(not spared(scene, raw) for raw in left.values()):
            return Step((), scene.state, f"waiting for the end of {key_of(doomed[0])}")
    return Step((), recorded(scene, skipped), "some objects are not pruned") if skipped else None


def _waves(scene: Scene) -> Iterator[list[Raw]]:
    """What goes together: the highest wave first, and what is to go last behind all of them."""

    def place(raw: Raw) -> tuple[bool, int]:
        return scene.last(raw), -height(raw)

    return (list(group) for _, group in groupby(sorted(scene.surplus, key=place), key=place))


def spared(scene: Scene, raw: Raw) -> str:
    """Why an object is not deleted now, "" where it is."""
    if scene.options.said("Prune", raw) == "false":
        return NO_PRUNE
    if not scene.sync.prune:
        return "ignored (requires pruning)"
    return kept_for(key_of(raw), scene.release)


def _asks(scene: Scene, raw: Raw) -> bool:
    """Whether it goes only once a person said so, since this sync began."""
    said = scene.application.metadata.annotations.get(APPROVED, "")
    begun = scene.state.started_at
    return scene.options.said("Prune", raw) == "confirm" and not (begun and _since(begun, said))


def _since(begun: datetime, said: str) -> bool:
    try:
        return parse(said) >= begun
    except (ValueError, TypeError):  # no time, or one without a zone
        return False


def _unconfirmed(scene: Scene, asking: list[Key]) -> Step:
    more = f" and {len(asking) - 1} more resources" if len(asking) > 1 else ""
    why = f"{WAITS_FOR_CONFIRMATION} {asking[0].short}{more}"
    return Step((), replace(scene.state, message=why), why)


def _told(scene: Scene) -> set[Key]:
    """What was pruned, or said not to be."""
    return {key_of_result(one) for one in results(scene.state) if one.status in {PRUNED, SKIPPED}}


def _result(raw: Raw, status: str, message: str) -> ResourceResult:
    key: Key = key_of(raw)
    version = group_version(raw)[1]
    return ResourceResult(
        key.group,
        version,
        key.kind,
        key.namespace,
        key.name,
        status=status,
        message=message,
        hook_phase=SUCCEEDED,
        sync_phase="Sync",
    )
