"""Does the cluster equal Git? What a server-side dry run answers, beside what is there.

There is one comparison: its two texts are what is shown, and an object is Synced where they are the same
bytes. The status can therefore never say OutOfSync over an empty diff. Secrets are masked before.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgspec
from msgspec.structs import replace

from crds.application_policy import IgnoredDifference
from crds.application_support import without_effect
from crds.paths import drop, get
from gitops import ignores, order, releases
from gitops.health import Part, health, ignored, overall
from gitops.images import images
from gitops.masking import masked
from gitops.objects import Key, annotation, group_version, key_of, words
from gitops.options import OPTIONS
from gitops.releases import Moving
from gitops.tracking import tracked_by
from gitops.wellness import Health

Raw = dict[str, Any]

COMPARE = "argocd.argoproj.io/compare-options"
UNSHOWN_META = frozenset(
    {"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"}
)
UNSHOWN_NOTE = "kubectl.kubernetes.io/last-applied-configuration"
FOR_A_RELEASE = frozenset({("", "ConfigMap"), ("", "Secret")})
"""Kinds that the pods of an older revision read when they start again."""
KEPT_FOR, NO_PRUNE = "kept while", "ignored (no prune)"
"""Why what Git wants no more is still there."""


class Predicted(msgspec.Struct, frozen=True):
    """What the object would be after an apply."""

    raw: Raw


class Refused(msgspec.Struct, frozen=True):
    """The API server would not take it."""

    why: str


class Unasked(msgspec.Struct, frozen=True):
    """Its namespace is not there yet: nobody can tell."""

    why: str


class Unserved(msgspec.Struct, frozen=True):
    """Its kind is not there yet."""

    kind: str

    @property
    def why(self) -> str:
        return f"{self.kind} is not served; install its CustomResourceDefinition"


class Unseen(msgspec.Struct, frozen=True):
    """Nobody can tell whether it is there: it may not be listed, or, `passing`, there was no answer."""

    why: str
    passing: bool = False


class Awaited(msgspec.Struct, frozen=True):
    """Asked, and not answered yet."""


Answer = Predicted | Refused | Unasked | Unserved | Unseen | Awaited


class Target(msgspec.Struct, frozen=True, dict=True):
    """One object that Git wants, as it would be sent; `guard` is the only version it may be sent to."""

    wanted: Raw
    live: Raw | None
    answer: Answer
    guard: str = ""

    @cached_property
    def key(self) -> Key:
        return key_of(self.wanted)

    @cached_property
    def compared(self) -> Compared:
        return _target(self)

    @cached_property
    def hook(self) -> bool:
        return order.hooks(self.wanted) is not None

    @cached_property
    def unheard(self) -> str:
        """What it says of a sync, and none of ours does: phases of hooks, and options."""
        options = filter(without_effect, words(annotation(self.wanted, OPTIONS)))
        return ", ".join(filter(None, (order.unhooked(self.wanted), *options)))

    @cached_property
    def owner(self) -> str:
        """Whose tracking id it carries."""
        return tracked_by(self.live)

    @cached_property
    def images(self) -> tuple[str, ...]:
        """What it runs now, or is to run."""
        return images((self.live or self.wanted,))

    @cached_property
    def silent(self) -> bool:
        """Its health does not count."""
        return ignored(self.wanted)


class Hidden(msgspec.Struct, frozen=True):
    """An object that we wrote once and that Git wants no more: why nobody can tell whether it is there."""

    key: Key
    version: str
    why: str

    def __str__(self) -> str:
        return f"cannot see {self.key}: {self.why}"


class Compared(msgspec.Struct, frozen=True):
    """One object: `status` Synced, OutOfSync or Unknown. `live` and `target` are the shown bytes.

    `confirm`: a person has to say that it may go.
    """

    key: Key
    version: str
    status: str
    health: Health | None = None
    wave: int = 0
    live: bytes = b""
    target: bytes = b""
    requires_pruning: bool = False
    counts: bool = True
    why: str = ""
    confirm: bool = False


class Comparison(msgspec.Struct, frozen=True):
    """All objects of an Application. `pending`: some answers are still out, nothing can be said."""

    resources: tuple[Compared, ...]
    health: Health
    pending: bool = False

    @property
    def status(self) -> str:
        said = {one.status for one in self.resources if one.counts}
        return "Unknown" if "Unknown" in said else "OutOfSync" if "OutOfSync" in said else "Synced"

    @property
    def different(self) -> tuple[Compared, ...]:
        return tuple(one for one in self.resources if one.counts and one.status != "Synced")

    @property
    def errors(self) -> tuple[str, ...]:
        """Why objects could not be compared; an answer that is still out is none."""
        unknown = (one for one in self.resources if one.status == "Unknown" and one.why)
        return tuple(f"{one.key}: {one.why}" for one in unknown)


def to_send(
    desired: Raw, live: Raw | None, ignored_differences: Iterable[IgnoredDifference], moving: Moving
) -> tuple[Raw, str]:
    """What is dry-run and applied, and the version it may be sent to where it was copied from live."""
    if live is None:
        return desired, ""
    wanted = releases.kept(ignores.kept(desired, live, ignored_differences), live, moving)
    as_declared = wanted is desired or wanted == desired
    return wanted, "" if as_declared else str(get(live, "metadata", "resourceVersion", default=""))


def compare(
    targets: Iterable[Target], extras: Iterable[Raw], me: Key, release: str, hidden: Iterable[Hidden] = ()
) -> Comparison:
    """Every object against Git. `extras` are ours and no more in Git; `release` names a running Rollout."""
    targets, extras = tuple(targets), tuple(extras)
    shown = [one.compared for one in targets if not one.hook]
    shown += [_extra(raw, release) for raw in extras if surplus(raw, me)]
    shown += [_hidden(one) for one in hidden]
    silent = {one.key for one in targets if one.silent} | {key_of(raw) for raw in extras if ignored(raw)}
    healthy = overall((Part(one.key, one.health) for one in shown if one.key not in silent), me)
    pending = any(isinstance(one.answer, Awaited) for one in targets if not one.hook)
    return Comparison(tuple(sorted(shown, key=lambda one: one.key)), healthy, pending)


def kept_for(key: Key, release: str) -> str:
    """Why what Git wants no more stays for a Rollout in mid-release, "" where it may go."""
    return f"{KEPT_FOR} {release} is in mid-release" if release and key[:2] in FOR_A_RELEASE else ""


def synced(target: Target) -> bool:
    """Whether an apply would change nothing."""
    return target.compared.status == "Synced"


def surplus(raw: Raw, me: Key) -> bool:
    """Not the Application itself, no hook, and nothing that another object made."""
    owners = get(raw, "metadata", "ownerReferences", default=[])
    return (
        key_of(raw) != me and order.hooks(raw) is None and not any(get(one, "controller") for one in owners)
    )


def _target(one: Target) -> Compared:
    base = Compared(
        one.key,
        group_version(one.wanted)[1],
        "OutOfSync",
        health(one.live),
        order.height(one.wanted),
    )
    match one.answer:
        case Predicted(raw) if one.live is not None:
            return _shown(base, one.live, raw)
        case Refused(why) if one.live is not None:
            return replace(base, status="Unknown", why=why)
        case Predicted(raw):
            return _shown(base, None, raw)
        case Refused() | Unasked() | Unserved():
            return replace(_shown(base, one.live, one.wanted), why=one.answer.why)
        case Unseen(why):
            return replace(base, status="Unknown", health=Health("Unknown"), why=why)
    return replace(base, status="Unknown")


def _hidden(one: Hidden) -> Compared:
    """Remembered until it is seen, and no reason to sync nor not to."""
    base = Compared(one.key, one.version, "Unknown", requires_pruning=True, counts=False)
    return replace(base, why=one.why)


def _shown(base: Compared, live: Raw | None, target: Raw | None) -> Compared:
    here, there = (encoded(one) for one in masked(_plain(live), _plain(target)))
    return replace(base, status="Synced" if here == there else "OutOfSync", live=here, target=there)


def _extra(raw: Raw, release: str) -> Compared:
    key = key_of(raw)
    reason = kept_for(key, release)
    options = words(annotation(raw, COMPARE))
    base = Compared(
        key,
        group_version(raw)[1],
        "OutOfSync",
        health(raw),
        order.height(raw),
        requires_pruning=True,
        counts=not (reason or "IgnoreExtraneous" in options),
        why=reason,
        confirm="Prune=confirm" in words(annotation(raw, OPTIONS)),
    )
    return _shown(base, raw, None)


def _plain(raw: Raw | None) -> Raw | None:
    """Without what the server keeps for itself; an empty mapping of annotations or labels is none."""
    if raw is None:
        return None
    said = get(raw, "metadata", default={})
    meta = {name: part for name, part in said.items() if name not in UNSHOWN_META}
    if UNSHOWN_NOTE in get(meta, "annotations", default={}):
        meta["annotations"] = drop(meta["annotations"], (UNSHOWN_NOTE,))
    empty = {name for name in ("annotations", "labels") if meta.get(name) == {}}
    shown = {name: part for name, part in raw.items() if name != "status"}
    return {**shown, "metadata": {name: part for name, part in meta.items() if name not in empty}}


def encoded(raw: Raw | None) -> bytes:
    """The canonical bytes of a side; none for an object that is not there."""
    return b"" if raw is None else msgspec.json.encode(raw, order="sorted")
