"""What must be seen of an Application: Git's head, what it declares there, what is there, and what would be.

Each stage asks once the one before is answered. A running operation is at the commit it began with, so it
goes on while Git does not answer. One that is being deleted needs nothing of Git.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

import msgspec

from crds.application import Application
from crds.application_rollback import KnownGood
from crds.application_status import ResourceResult, ResourceStatus
from crds.paths import drop, get, put
from crds.refs import APP_PROJECT, APPLICATION, NAMESPACE, Ref, Resource
from crds.returns import is_marked, mark, marked
from gitops.compare import Hidden, to_send
from gitops.objects import Key, desired, flat, group_version, key_of, scope_of, unique
from gitops.plan import asked_revision
from gitops.recursion import Folders, folders
from gitops.refresh import asked, poll_at
from gitops.rejection import ROLLOUT
from gitops.release import remembered
from gitops.releases import moving
from gitops.sources import Found, Manifests, digest, is_commit
from gitops.tracking import instance, tracked_by
from tidegate.planners.application_parent import parent, parent_needs
from tidegate.planners.needs import (
    Answers,
    DryRun,
    Failed,
    Head,
    Known,
    Need,
    Object,
    Outline,
    Pending,
    Raw,
    Refusal,
    Rendered,
    Reverted,
    Served,
    Undone,
    known,
)
from tidegate.planners.settings import Site

RUNNING = ("Running", "Terminating")
CLAIMS = (
    ("metadata", "name"),
    ("metadata", "namespace"),
    ("metadata", "deletionTimestamp"),
    ("spec", "project"),
    ("spec", "destination"),
    ("spec", "rollback"),
    ("spec", "syncPolicy", "rollback"),
    ("status", "rollback"),
)
"""What of another Application says which objects are its own, and whether it has a revert open."""
ANY = datetime(1970, 1, 1, tzinfo=UTC)
"""What is asked does not depend on when."""


class Sent(msgspec.Struct, frozen=True):
    """An object that Git wants, as it would be sent, beside what is there."""

    wanted: Raw
    live: Raw | None
    guard: str
    kind: Resource | None

    @property
    def ref(self) -> Ref | None:
        return _ref(self.kind, key_of(self.wanted))


class Sight:
    """One Application and the answers so far; each question below asks for what the one before needs."""

    def __init__(self, raw: Raw, application: Application, answers: Answers, site: Site) -> None:
        self.raw, self.application, self.answers, self.site = raw, application, answers, site
        self.home = site.home
        self.me = Ref(APPLICATION, application.metadata.namespace, application.name)

    # What is asked

    def needs(self, now: datetime) -> tuple[Need, ...]:
        found = [*self._about(), *self._served(), *self._left_over()]
        if not self.leaving:
            found += [*self._of_git(now), *self._there(), *self._tried()]
        return tuple(dict.fromkeys(found))

    @property
    def leaving(self) -> bool:
        return self.application.metadata.deletion_timestamp is not None

    def waiting(self, now: datetime) -> Need | None:
        """What has to be answered before anything can be decided; dry runs need not be, nor what is about a
        revert, and the head of a target only where no operation says its commit."""
        out = (need for need, answer in self.answers.items() if isinstance(answer, Pending))
        spare = self.head(now) if is_commit(asked_revision(self.application)) else None
        wanted = self.rendered(now)
        later = (need for need in out if not isinstance(need, DryRun | Reverted) and need != spare)
        return next((need for need in later if not isinstance(need, Rendered) or need == wanted), None)

    def _about(self) -> tuple[Need, ...]:
        project = Ref(APP_PROJECT, self.home, self.application.spec.project)
        return (Object(project), Outline(APPLICATION, self.me.namespace, CLAIMS), Refusal(self.me))

    def _of_git(self, now: datetime) -> Iterable[Need]:
        found: tuple[Need | None, ...] = (
            self.head(now),
            self.asked_head(now),
            self.rendered(now),
            *(parent_needs(self) if self._again else ()),
            self.undone,
        )
        return (need for need in found if need is not None)

    def _served(self) -> Iterable[Need]:
        return {served(raw): None for raw in (*self.declared, *self._recorded())}

    def _left_over(self) -> Iterable[Need]:
        return (Object(ref) for raw in self._recorded() if (ref := self.at(raw)))

    def _there(self) -> Iterable[Need]:
        spaces = {key_of(raw).namespace for raw in self.wanted} | {
            self.application.spec.destination.namespace
        }
        yield from (Object(Ref(NAMESPACE, "", name)) for name in sorted(spaces) if name)
        yield from (Object(ref) for raw in self.wanted if (ref := self.at(raw)))

    def _tried(self) -> Iterable[Need]:
        return (need for one in self.sent if (need := self.dry_run(one)))

    def head(self, now: datetime) -> Head | None:
        """What the target names."""
        source = self.application.spec.source
        return self._head(source.target_revision, now) if source else None

    def asked_head(self, now: datetime) -> Head | None:
        """What the operation names, where that is another thing than a commit."""
        named = asked_revision(self.application)
        return self._head(named, now) if named and not is_commit(named) else self.head(now)

    def rendered(self, now: datetime) -> Rendered | None:
        source, named = self.application.spec.source, asked_revision(self.application)
        commit = named if is_commit(named) else self.commit(self.asked_head(now))
        if source is None or not commit:
            return None
        written = msgspec.json.encode(get(self.raw, "spec", "source"), order="sorted")
        anew = asked(self.application) == "hard"
        return Rendered(source.repo_url, commit, written, self.application.name, self.folders, anew)

    @property
    def folders(self) -> Folders:
        return folders(self.application, self.site.recurse)

    def dry_run(self, one: Sent) -> DryRun | None:
        """None where nobody can be asked: the namespace or the kind is not there yet."""
        namespace = key_of(one.wanted).namespace
        if one.ref is None or (namespace and self.namespace(namespace) is None):
            return None
        body = msgspec.json.encode(one.wanted, order="sorted")
        return DryRun(one.ref, body, f"{_version(one.live)} {self._try}")

    # What is known by now

    @cached_property
    def manifests(self) -> Manifests | None:
        found = self.rendered(ANY)
        value = known(self.answers, found) if found else None
        return value if isinstance(value, Manifests) else None

    @cached_property
    def declared(self) -> tuple[Raw, ...]:
        return tuple(flat(self.manifests.objects)) if self.manifests else ()

    @cached_property
    def wanted(self) -> tuple[Raw, ...]:
        return self.distinct[0]

    @cached_property
    def distinct(self) -> tuple[tuple[Raw, ...], tuple[Key, ...]]:
        """What Git wants, in its namespaces and marked as ours, once all kinds are known; and repeats."""
        if any(served(raw) not in self.answers for raw in self.declared):
            return (), ()
        scopes = {
            (need.group, need.kind): answer.value.namespaced
            for need, answer in self.answers.items()
            if isinstance(need, Served) and isinstance(answer, Known)
        }
        name, to = self.instance, self.application.spec.destination.namespace
        placed = ((raw, scope_of(raw, scopes, self.declared)) for raw in self.declared)
        return unique(desired(raw, name, to, spaced is not False) for raw, spaced in placed)

    @cached_property
    def sent(self) -> tuple[Sent, ...]:
        """Once all that is there is known."""
        refs = [self.at(raw) for raw in self.wanted]
        if any(ref and Object(ref) not in self.answers for ref in refs):
            return ()
        live = [self.live(ref) for ref in refs]
        moved = moving([*self.wanted, *(raw for raw in live if raw), *self.extras])
        ignored = self.application.spec.ignore_differences
        pairs = [
            (to_send(raw, there, ignored, moved), there) for raw, there in zip(self.wanted, live, strict=True)
        ]
        sent = (
            Sent(self._marked(raw, there), there, guard, self.resource(raw)) for (raw, guard), there in pairs
        )
        return tuple(sent)

    @cached_property
    def rendering(self) -> str:
        """The digest of what is declared."""
        return digest(self.declared)

    @cached_property
    def _again(self) -> KnownGood | None:
        """What was good before the last release, where that is declared again."""
        goods, history = remembered(self.application.status).goods, self.application.status.history
        asked = self.rendered(ANY)
        if not (goods[:-1] and history and asked and self.declared) or history[-1].revision == asked.commit:
            return None
        return next((one for one in goods[:-1] if one.rendering == self.rendering), None)

    @cached_property
    def undone(self) -> Undone | None:
        """Asked once it is known who declares us."""
        good, asked = self._again, self.rendered(ANY)
        if not (good and asked) or any(need not in self.answers for need in parent_needs(self)):
            return None
        last = self.application.status.history[-1].revision
        me = f"{self.me.namespace}/{self.me.name}"
        return Undone(
            asked.repo, good.revision, last, asked.commit, me, asked.source, asked.folders, parent(self)
        )

    def _marked(self, raw: Raw, live: Raw | None) -> Raw:
        """A Rollout that goes back to what was good is told so, once and for all that it stays there."""
        if key_of(raw)[:2] != ROLLOUT:
            return raw
        kept = is_marked(live) and mark(raw) == mark(live or {})
        back = self.undone is not None and known(self.answers, self.undone) is True
        return marked(raw) if kept or back else raw

    @cached_property
    def extras(self) -> tuple[Raw, ...]:
        """What is ours by its tracking id, and was recorded, and is no more in Git."""
        kept = {key_of(raw) for raw in self.wanted}
        found = (self.live(self.at(raw)) for raw in self._recorded())
        ours = (raw for raw in found if raw is not None and tracked_by(raw) == self.instance)
        return tuple({key_of(raw): raw for raw in ours if key_of(raw) not in kept}.values())

    @cached_property
    def hidden(self) -> tuple[Hidden, ...]:
        """What was recorded, is no more in Git, and cannot be seen."""
        kept = {key_of(raw) for raw in self.wanted}
        gone = (raw for raw in self._recorded() if key_of(raw) not in kept)
        said = ((raw, self.unseen(raw)) for raw in gone)
        return tuple(Hidden(key_of(raw), group_version(raw)[1], why.why) for raw, why in said if why)

    @property
    def instance(self) -> str:
        return instance(self.application.name, self.me.namespace, self.home)

    def namespace(self, name: str) -> Raw | None:
        return self.live(Ref(NAMESPACE, "", name))

    def live(self, ref: Ref | None) -> Raw | None:
        raw: Raw | None = known(self.answers, Object(ref)) if ref else None
        return raw

    def resource(self, raw: Raw) -> Resource | None:
        found: Resource | None = known(self.answers, served(raw))
        return found

    def unseen(self, raw: Raw) -> Failed | None:
        """Why nobody can say whether it is there."""
        ref = self.at(raw)
        answer = self.answers.get(Object(ref) if ref else served(raw))
        return answer if isinstance(answer, Failed) else None

    def at(self, raw: Raw) -> Ref | None:
        return _ref(self.resource(raw), key_of(raw))

    def _recorded(self) -> list[Raw]:
        """The objects that the status names, as far as it says what they are."""
        status = self.application.status
        result = status.operation_state.sync_result if status.operation_state else None
        done = result.resources if result else ()
        every: tuple[ResourceStatus | ResourceResult, ...] = (*status.resources, *done)
        named = [(one.group, one.version, one.kind, one.namespace, one.name) for one in every]
        return [_named(*one) for one in dict.fromkeys(named) if one[1] and one[2] and one[4]]

    def _head(self, revision: str, now: datetime) -> Head | None:
        source = self.application.spec.source
        every = (poll_at(self.application, now) - now).total_seconds()
        return Head(source.repo_url, revision, every, asked(self.application)) if source else None

    def commit(self, head: Head | None) -> str:
        """What it names, "" while that is not known."""
        found = known(self.answers, head) if head else None
        return found.commit if isinstance(found, Found) else ""

    @cached_property
    def _try(self) -> str:
        """Each try of an operation asks anew what was refused before."""
        state = self.application.status.operation_state
        running = state is not None and state.phase in RUNNING
        return f"{state.started_at}/{state.retry_count}" if state and running else ""


def served(raw: Raw) -> Served:
    """The kind of an object, as it is asked for."""
    group, version = group_version(raw)
    return Served(group, version, str(get(raw, "kind", default="")))


def _ref(found: Resource | None, key: Key) -> Ref | None:
    return Ref(found.kind, key.namespace if found.namespaced else "", key.name) if found else None


def _named(group: str, version: str, kind: str, namespace: str, name: str) -> Raw:
    where = {"namespace": namespace} if namespace else {}
    api = f"{group}/{version}" if group else version
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **where}}


def _version(live: Raw | None) -> str:
    """What an apply depends on: all but the status and who wrote that."""
    if live is None:
        return ""
    own = [
        one
        for one in get(live, "metadata", "managedFields", default=[])
        if get(one, "subresource") != "status"
    ]
    rest: Any = drop(drop(live, ("status",)), ("metadata", "resourceVersion"))
    plain = msgspec.json.encode(put(rest, ("metadata", "managedFields"), own), order="sorted")
    return sha256(plain).hexdigest()
