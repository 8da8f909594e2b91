"""All that one look at a running operation has before it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

from crds.application import Application
from crds.application_status import OperationState, ResourceResult, SyncOperation, SyncResource
from gitops import order
from gitops.compare import Target
from gitops.objects import Key, key_of
from gitops.options import Options
from gitops.order import Task
from gitops.releases import releasing

Raw = dict[str, Any]


class Scene(msgspec.Struct, frozen=True, dict=True):
    """`state` is the operation so far; `namespaces` those that are there.

    `extras` are objects that are ours and no more in Git. `forbidden` says which objects may not be written,
    and why; `refusal` what the API server said to the last write; `trouble` why nothing can be synced at all.
    `behind` is another Application that may yet want what this one does not.
    """

    application: Application
    state: OperationState
    revision: str
    now: datetime
    targets: tuple[Target, ...] = ()
    extras: tuple[Raw, ...] = ()
    namespaces: Mapping[str, Raw] = {}
    forbidden: Mapping[Key, str] = {}
    refusal: str = ""
    trouble: str = ""
    behind: str = ""

    @property
    def me(self) -> Key:
        meta = self.application.metadata
        return Key("argoproj.io", "Application", meta.namespace, meta.name)

    @cached_property
    def sync(self) -> SyncOperation:
        return self.state.operation.sync or SyncOperation()

    @cached_property
    def options(self) -> Options:
        return Options(self.application, self.sync)

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """What is to be applied, in order; no hooks in a sync of some objects, or with strategy `apply`."""
        made = order.tasks(one.wanted for one in self.targets if self.chosen(one.key))
        return tuple(one for one in made if not one.hook or self.hooked)

    @cached_property
    def hooked(self) -> bool:
        strategy = self.sync.sync_strategy
        return not self.sync.resources and not (strategy and strategy.apply)

    @cached_property
    def steps(self) -> tuple[tuple[Task, ...], ...]:
        """Without what is only run on failure."""
        return order.steps(one for one in self.tasks if one.phase != "SyncFail")

    @cached_property
    def many(self) -> bool:
        """Several waves or phases: each waits for the health of the one before."""
        return len({one.place for one in self.tasks if one.phase != "SyncFail"}) > 1

    @cached_property
    def _by_key(self) -> dict[Key, Target]:
        return {one.key: one for one in self.targets}

    @cached_property
    def done(self) -> dict[tuple[Key, str], ResourceResult]:
        """What was recorded so far, by object and phase."""
        result = self.state.sync_result
        told = result.resources if result else ()
        return {(key_of_result(one), one.sync_phase): one for one in reversed(told)}

    def target(self, key: Key) -> Target:
        return self._by_key[key]

    @cached_property
    def surplus(self) -> tuple[Raw, ...]:
        """The extras that this operation is about."""
        return tuple(raw for raw in self.extras if self.chosen(key_of(raw)))

    def last(self, raw: Raw) -> bool:
        """Whether it is pruned behind all others, and once all that was applied is well."""
        return self.options.on("PruneLast", raw)

    @cached_property
    def prunes_last(self) -> bool:
        return self.sync.prune and any(self.last(raw) for raw in self.surplus)

    @cached_property
    def release(self) -> str:
        """A Rollout of ours between two revisions, "" for none."""
        live = (one.live for one in self.targets if one.live is not None)
        return releasing(raw for raw in live if key_of(raw)[:2] == ("argoproj.io", "Rollout"))

    def chosen(self, key: Key) -> bool:
        return not self.sync.resources or any(names(one, key) for one in self.sync.resources)


def key_of_result(one: ResourceResult) -> Key:
    return Key(one.group, one.kind, one.namespace, one.name)


def names(one: SyncResource, key: Key) -> bool:
    """Whether a selective sync means this object."""
    return (one.group, one.kind, one.name) == (key.group, key.kind, key.name) and one.namespace in {
        "",
        key.namespace,
    }
