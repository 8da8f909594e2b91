"""In which order objects are applied: phase, wave, kind, name.

Two things are moved: a Namespace before what lies in it, and a CustomResourceDefinition before its objects,
into the phase and wave of the first of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import msgspec
from msgspec.structs import replace

from gitops.objects import Key, annotation, defines, key_of, words

Raw = dict[str, Any]

HOOK = "argocd.argoproj.io/hook"
HELM_HOOK = "helm.sh/hook"
WAVE = "argocd.argoproj.io/sync-wave"
HELM_WEIGHT = "helm.sh/hook-weight"
PHASES = ("PreSync", "Sync", "PostSync", "SyncFail")
HELM_PHASES = {
    "pre-install": "PreSync",
    "pre-upgrade": "PreSync",
    "post-install": "PostSync",
    "post-upgrade": "PostSync",
}
KINDS = (
    *("Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy"),
    *("PodDisruptionBudget", "ServiceAccount", "Secret", "SecretList", "ConfigMap", "StorageClass"),
    *("PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition"),
    *("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Service", "DaemonSet", "Pod"),
    *("ReplicationController", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler", "StatefulSet"),
    *("Job", "CronJob", "Ingress", "APIService"),
)
NEEDED = ("Namespace", "CustomResourceDefinition")
"""Kinds without which others cannot be applied."""
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}


class Task(msgspec.Struct, frozen=True):
    """One object in one phase; `hook` says that it belongs to the sync and not to what is deployed."""

    key: Key
    phase: str
    wave: int
    hook: bool
    wanted: Raw

    @property
    def place(self) -> tuple[int, int]:
        """Its phase and wave."""
        return PHASES.index(self.phase), self.wave

    @property
    def step(self) -> tuple[int, int, bool]:
        """Where it stands among the steps of a sync: definitions must be served before the rest of a wave."""
        return (*self.place, not self.defines)

    @property
    def defines(self) -> bool:
        return self.key.kind == "CustomResourceDefinition"


def hooks(raw: Raw | None) -> tuple[str, ...] | None:
    """The phases that an object is a hook of; None where it is none, () for Skip and phases we do not run."""
    if said := words(annotation(raw, HOOK)):
        return tuple(word for word in said if word in PHASES)
    helm = words(annotation(raw, HELM_HOOK))
    if not helm or "crd-install" in helm:
        return None
    return tuple(dict.fromkeys(HELM_PHASES[word] for word in helm if word in HELM_PHASES))


def wave(raw: Raw | None) -> int | None:
    """The wave of an object, 0 where it says none; None where what it says is no number."""
    weight = HELM_WEIGHT if not annotation(raw, HOOK) and annotation(raw, HELM_HOOK) else WAVE
    written = annotation(raw, WAVE) or annotation(raw, weight) or "0"
    try:
        return int(written)
    except ValueError:
        return None


def height(raw: Raw | None) -> int:
    """The wave of what is there already, whatever it says."""
    return wave(raw) or 0


def tasks(wanted: Iterable[Raw]) -> tuple[Task, ...]:
    """What is to be applied, in order."""
    made = [task for raw in wanted for task in _tasks_of(raw)]
    return ordered(_fixed(made))


def ordered(made: Iterable[Task]) -> tuple[Task, ...]:
    return tuple(sorted(made, key=lambda one: (*one.step, _rank(one.key), one.key.name, one.key)))


def steps(made: Iterable[Task]) -> tuple[tuple[Task, ...], ...]:
    """Ordered tasks in groups that are applied together."""
    return tuple(tuple(group) for _, group in groupby(made, key=lambda one: one.step))


def _tasks_of(raw: Raw) -> list[Task]:
    phases, at = hooks(raw), height(raw)
    if phases is None:
        return [Task(key_of(raw), "Sync", at, hook=False, wanted=raw)]
    return [Task(key_of(raw), phase, at, hook=True, wanted=raw) for phase in phases]


def _fixed(made: list[Task]) -> list[Task]:
    return [one if one.hook or one.key.kind not in NEEDED else _moved(one, made) for one in made]


def _moved(one: Task, made: list[Task]) -> Task:
    """`one` at the first step of what needs it, where that comes before its own."""
    needy = [other.place for other in made if other.key != one.key and _needs(other, one)]
    if not needy or min(needy) >= one.place:
        return one
    phase, at = min(needy)
    return replace(one, phase=PHASES[phase], wave=at)


def _needs(other: Task, one: Task) -> bool:
    match one.key.kind:
        case "Namespace":
            return other.key.namespace == one.key.name
        case "CustomResourceDefinition":
            return defines(one.wanted, other.key.group, other.key.kind)
    return False


def _rank(key: Key) -> int:
    return _RANK.get(key.kind, len(KINDS))


def unhooked(raw: Raw) -> str:
    """The hook phases written on an object that no sync of ours runs; "" for none."""
    said = words(annotation(raw, HOOK)) or words(annotation(raw, HELM_HOOK))
    known = {*PHASES, *HELM_PHASES, "Skip", "crd-install"}
    return ", ".join(word for word in said if word not in known)
