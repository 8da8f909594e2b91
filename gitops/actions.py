"""What can be decided for an Application, in the users' words; the planner turns each into a write."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from crds.application_status import OperationState
from gitops.objects import Key
from gitops.rollback import Push

Raw = dict[str, Any]


class EnsureNamespace(msgspec.Struct, frozen=True):
    """The destination with these labels and annotations; others on it are left alone."""

    name: str
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Apply(msgspec.Struct, frozen=True):
    """Server-side apply, conflicts taken over; onto version `guard` alone where some of it is copied."""

    raw: Raw
    guard: str = ""


class Remove(msgspec.Struct, frozen=True):
    """Delete exactly this object."""

    key: Key
    version: str
    uid: str
    propagation: str = "Foreground"


class TakeOver(msgspec.Struct, frozen=True):
    """Make fields of this object ours that a client-side apply owned: nothing else of it changes."""

    key: Key
    version: str
    managed_fields: tuple[Raw, ...]
    guard: str


class PushRevert(msgspec.Struct, frozen=True):
    """The commit that was made and recorded, into its branch."""

    push: Push


Action = EnsureNamespace | Apply | Remove | TakeOver | PushRevert


class Step(msgspec.Struct, frozen=True):
    """The next writes of an operation, and its state once they are done: recorded last, and with them."""

    actions: tuple[Action, ...]
    state: OperationState
    why: str
    look_again: datetime | None = None
