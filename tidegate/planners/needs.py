"""What a planner may ask to see, and the four answers it can get.

A need is a value: two planners that ask the same thing share one answer, and the needs of a key's last
round are the index of whom a change wakes. An answer that is not there yet is a fact to plan on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from analysis.provider import Range, Server
from crds.application_policy import GitBack
from crds.refs import Kind, Ref
from gitops.recursion import Folders

Raw = dict[str, Any]


class Object(msgspec.Struct, frozen=True, tag=True, cache_hash=True):
    """One object out of the watched store. Known value: the raw object."""

    ref: Ref


class Owned(msgspec.Struct, frozen=True, tag=True):
    """The objects of a watched kind whose controller is `uid`; `uid` "" means those without a controller.

    Known value: a tuple of raw objects, by name. The store keeps an index of it, so that neither the answer
    nor the wake-up costs more in a namespace of a thousand Rollouts.
    """

    kind: Kind
    namespace: str
    uid: str


class Outline(msgspec.Struct, frozen=True, tag=True):
    """The objects of a watched kind in a namespace, by name, of each these paths alone: nobody is woken by
    what else changes in them. Known value: a tuple of raw objects.
    """

    kind: Kind
    namespace: str
    paths: tuple[tuple[str, ...], ...]


class Pods(msgspec.Struct, frozen=True, tag=True):
    """The pods with these labels, listed from the API server at `at` (never watched).

    Known value: a tuple of raw pods. `at` is part of the question: asking again later is a new need. So is
    `seen`, the versions of objects whose change makes the answer old.
    """

    namespace: str
    labels: tuple[tuple[str, str], ...]
    at: datetime
    seen: tuple[str, ...] = ()


class Samples(msgspec.Struct, frozen=True, tag=True):
    """Raw samples of a Prometheus selector: the range-vector `selector[window]` at time `at`.

    Known value: `analysis.counters.Series` tuple. Failed says what Prometheus or the network said.
    """

    server: Server
    selector: str
    window: float
    at: datetime


class Query(msgspec.Struct, frozen=True, tag=True):
    """A PromQL query, evaluated once at Prometheus' own now, or over `span` before ours.

    `at` is when the answer was due, so that the same measurement is the same question.
    Known value: `analysis.instant.Instant`. Failed says what Prometheus or the network said.
    """

    server: Server
    query: str
    at: datetime
    span: Range | None = None

    def __repr__(self) -> str:
        """Without query and server, which may hold secrets."""
        return f"Query(at={self.at})"


class SecretKey(msgspec.Struct, frozen=True, tag=True):
    """One value of a Secret, read from the API server when it is asked for, never watched.

    Known value: the text. Absent: there is no such Secret, or no such key in it.
    """

    namespace: str
    name: str
    key: str


class Defaulted(msgspec.Struct, frozen=True, tag=True):
    """A pod template as the API server would store it, by a dry-run create of a PodTemplate.

    `template` is compact JSON with sorted keys, so that the need is hashable. Known value: the raw template.
    Absent: it is not valid, so nothing that stands is like it.
    """

    namespace: str
    template: str


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """The write of this object's last plan that the API server refused for good: forbidden, or not valid.

    Known value: a sentence naming the write and the server's reason. Absent once a plan was written whole.
    Put the Record that tells of it first, since the write it speaks of will stop the plan again.
    """

    ref: Ref


class Pruned(msgspec.Struct, frozen=True, tag=True):
    """What the API server did not keep of this last recorded status: fields unknown to its CRD.

    Known value: a tuple of their names. Absent: it keeps them all, or nothing was recorded yet.
    """

    ref: Ref


class Noticed(msgspec.Struct, frozen=True, tag=True):
    """What the last plan for this object noticed of its world (`Plan.noticed`), in this process.

    Known value: that. Absent at the first look of a process, and after a plan that noticed nothing: whoever
    reckons a time from it must then begin anew.
    """

    ref: Ref


class Reached(msgspec.Struct, frozen=True, tag=True):
    """For how long the API server has answered for a kind again, after nobody did.

    Known value: a timedelta, zero while nobody answers; news only when that begins and ends. Absent: it has
    answered since this process began.
    """

    kind: Kind


class Served(msgspec.Struct, frozen=True, tag=True, cache_hash=True):
    """How the API server serves a kind. Known value: `crds.refs.Resource`. Absent: not at all, as yet."""

    group: str
    version: str
    kind: str


class Head(msgspec.Struct, frozen=True, tag=True):
    """What a revision names in a repository, asked again after `every` seconds at most, while it is needed.

    All that is needed of a repository is asked in one question. `fresh` asks at once: people want to know.
    Known value: `gitops.sources.Found` or `Lost`.
    """

    repo: str
    revision: str
    every: float
    fresh: str = ""


class Rendered(msgspec.Struct, frozen=True, tag=True):
    """What a source declares at a commit, for the Application of that name.

    `source` is a `spec.source` as compact JSON with sorted keys. `folders` are those below its own that it is
    read with; `anew` takes none that was kept. Known value: `gitops.sources.Manifests` or `Unrenderable`.
    """

    repo: str
    commit: str
    source: bytes
    application: str
    folders: Folders = ""
    anew: bool = False


class DryRun(msgspec.Struct, frozen=True, tag=True, cache_hash=True):
    """What a server-side apply of `body`, compact JSON with sorted keys, would make of an object.

    `seen` stands for what is there and for the try, so that another look at either is another question.
    Known value: `gitops.compare.Predicted` or `Refused`. Failed: the API server could not say.
    """

    ref: Ref
    body: bytes
    seen: str

    def __repr__(self) -> str:
        """Without the body, which may be a Secret's."""
        return f"DryRun({self.ref})"


class Sourced(msgspec.Struct, frozen=True):
    """An Application by what it is made of; `source` is compact JSON with sorted keys."""

    name: str
    repo: str
    source: bytes
    folders: Folders


class Reverted(msgspec.Struct, frozen=True, tag=True):
    """A commit upon what `revision` names that takes back what a rollback says, made and signed, not pushed.

    `rollback` is its status as compact JSON, without what changes while it is under way; `application` is
    what it is about, as namespace/name; `schema` says whether its hooks may differ. `head` and `attempt`
    stand for what was seen of the branch, so that a newer one is another question. `beside` are the others on
    this branch. Known value: `gitops.reverts.Answer`. Failed: Git does not answer, or a person has something
    to mend.
    """

    repo: str
    revision: str
    application: str
    rollback: bytes
    back: GitBack
    schema: bool
    folders: Folders
    parent: Sourced | None
    head: str
    attempt: int
    beside: tuple[Sourced, ...] = ()


class Revertible(msgspec.Struct, frozen=True, tag=True):
    """What a revert would lack, before one is needed: `key` names the Secret that signs it, "" for none.

    `at` is part of the question: asking again later is a new need. Known value: a text, "" for nothing.
    """

    repo: str
    namespace: str
    key: str
    at: datetime


class Undone(msgspec.Struct, frozen=True, tag=True):
    """Whether a commit between `old` and `new` takes back one between `good` and `old`, and both touched what
    the Application, namespace/name, is made of. Known value: a bool.
    """

    repo: str
    good: str
    old: str
    new: str
    application: str
    source: bytes
    folders: Folders
    parent: Sourced | None


class Arrival(msgspec.Struct, frozen=True, tag=True):
    """What became of the push of this commit to this branch, in this process.

    Known value: `gitops.reverts.Landing`. Absent: nobody has tried.
    """

    repo: str
    branch: str
    commit: str


Need = (
    Object
    | Owned
    | Outline
    | Pods
    | Samples
    | Query
    | SecretKey
    | Defaulted
    | Refusal
    | Pruned
    | Noticed
    | Reached
    | Served
    | Head
    | Rendered
    | DryRun
    | Reverted
    | Arrival
    | Revertible
    | Undone
)


class Known(msgspec.Struct, frozen=True, tag=True):
    value: Any


class Absent(msgspec.Struct, frozen=True, tag=True):
    """Looked, and it is not there."""


class Pending(msgspec.Struct, frozen=True, tag=True):
    """Asked, no answer yet; the key is woken when there is one."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Asked, and the answer was an error. It is asked again; seldom, where that is `costly` to others."""

    why: str
    costly: bool = False


Answer = Known | Absent | Pending | Failed
Answers = Mapping[Need, Answer]


def known(answers: Answers, need: Need, default: Any = None) -> Any:
    """The value of a need that is Known, else `default`."""
    answer = answers.get(need)
    return answer.value if isinstance(answer, Known) else default
