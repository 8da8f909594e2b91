"""Whatever happens around a rejected release, and whoever dies at any write or push: one revert at most.

A Git of a few lines: commits with a rendering and an id; a server that loses answers, moves, declines. All
that the controller remembers is the status; whoever comes next has nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec.structs import replace

from crds.application_policy import Rollback
from gitops.quarantine import turn
from gitops.reverts import Adopted, Answer, Declined, Failing, Landed, Landing, Moved, Ready, Superseded
from gitops.rollback import Case, Memory, Push, Turn, wants_commit
from tests.gitops.clusters import Stopped
from tests.gitops.examples import NOW
from tests.gitops.test_quarantine import BAD, GOOD, REJECTED, UNSIGNED, G, T, case

MAIN = "refs/heads/main"
ON = Rollback(enabled=True, max_retries=100, git=UNSIGNED)


class Commit(msgspec.Struct, frozen=True):
    name: str
    parent: str
    rendering: str
    id: str = ""


class Here:
    """An Application whose release was rejected, its Git server, and the process that looks."""

    def __init__(self) -> None:
        self.commits = {G: Commit(G, "", GOOD), T: Commit(T, G, BAD)}
        self.refs = {MAIN: T}
        self.memory: Memory = case().memory
        self.live, self.known = BAD, T
        self.landing: dict[tuple[str, str], Landing] = {}
        self.protected = self.frozen = False
        self.lost = 0
        self.dies: tuple[int, str] | None = None
        self.written = 0

    def look(self) -> Turn:
        head = self.commits[self.known]
        rollback = self.memory.rollback
        here = case(
            policy=ON,
            memory=self.memory,
            head=head.name,
            rendering=head.rendering,
            rejected=REJECTED if self.live == BAD == head.rendering else None,
            synced=self.live == head.rendering,
            answer=self.answer(head) if wants_commit(ON, rollback) else None,
            landing=self.landing.get((rollback.branch, rollback.candidate)),
            frozen="by eve" if self.frozen else "",
            now=NOW,
        )
        found = turn(here)
        self.act(here, found)
        return found

    def act(self, here: Case, found: Turn) -> None:
        if found.memory != self.memory:
            assert (found.restored, found.push) == (False, None)
            self.write(lambda: setattr(self, "memory", found.memory))
            return
        if found.restored:
            self.write(lambda: setattr(self, "live", GOOD))
        if found.push:
            self.write(lambda: self.push(found.push))
        rendering = self.commits[self.known].rendering
        if not found.held and self.live != rendering:
            self.write(lambda: setattr(self, "live", rendering))

    def answer(self, asked: Commit) -> Answer:
        """What the server says, which may know more than we do."""
        rollback, head = self.memory.rollback, self.commits[self.refs[MAIN]]
        if any(one.id == rollback.id for one in self.upto(head)):
            return Adopted(head.name)
        if head.rendering == GOOD:
            return Adopted(head.name)
        if head.rendering != BAD:
            return Superseded(head.name)
        name = f"revert of {rollback.id} upon {head.name}"
        self.commits[name] = Commit(name, head.name, GOOD, rollback.id)
        return Ready(head.name, name, MAIN)

    def push(self, push: Push | None) -> None:
        assert push is not None
        assert push.commit == self.memory.rollback.candidate, "what is pushed was recorded before"
        key = (push.branch, push.commit)
        outcome = self.received(push)
        if self.lost:
            self.lost -= 1
            outcome = Failing("no answer", push.time)
        self.landing[key] = outcome

    def received(self, push: Push) -> Landing:
        at = self.refs.get(push.branch, "")
        if at == push.commit or any(one.name == push.commit for one in self.upto(self.commits.get(at))):
            return Landed()
        if push.branch == MAIN and self.protected:
            return Declined("protected")
        if at != push.base:
            return Moved(at)
        self.refs[push.branch] = push.commit
        return Landed()

    def upto(self, commit: Commit | None) -> list[Commit]:
        found = []
        while commit:
            found.append(commit)
            commit = self.commits.get(commit.parent)
        return found

    def reverts(self) -> list[str]:
        """The revert commits of ours that any branch has."""
        tips = (self.commits[name] for name in self.refs.values())
        return sorted({one.name for tip in tips for one in self.upto(tip) if one.id})

    def write(self, perform: Callable[[], None]) -> None:
        self.written += 1
        dies = self.dies if self.dies and self.dies[0] == self.written else None
        if dies:
            self.dies = None
            self.landing = {}  # a successor knows nothing
        if dies and dies[1] == "before":
            raise Stopped
        perform()
        if dies:
            self.landing = {}
            raise Stopped

    def run(self, looks: int = 40) -> None:
        for _ in range(looks):
            before = (self.written, self.memory)
            self.memory = _later(self.memory)
            with suppress(Stopped):
                self.look()
            if (self.written, self.memory) == before:
                return


def _later(memory: Memory) -> Memory:
    """Time has passed."""
    return replace(memory, rollback=replace(memory.rollback, retry_at=None))


def look(here: Here, times: int) -> None:
    for _ in range(times):
        here.memory = _later(here.memory)
        with suppress(Stopped):
            here.look()


def learn(here: Here, _: int) -> None:
    here.known = here.refs[MAIN]


def hotfix(here: Here, number: int) -> None:
    _commit(here, f"hotfix {number}", "fixed")


def elsewhere(here: Here, number: int) -> None:
    """A commit that is not about this Application."""
    _commit(here, f"other {number}", here.commits[here.refs[MAIN]].rendering)


def by_hand(here: Here, number: int) -> None:
    _commit(here, f"by hand {number}", GOOD)


def _commit(here: Here, name: str, rendering: str) -> None:
    name = f"{name} upon {here.refs[MAIN]}"
    here.commits[name] = Commit(name, here.refs[MAIN], rendering)
    here.refs[MAIN] = name


def merge(here: Here, _: int) -> None:
    """A person merges the branch beside."""
    side = [name for ref, name in here.refs.items() if ref != MAIN]
    if side and here.commits[side[0]].parent == here.refs[MAIN]:
        here.refs[MAIN] = side[0]


def protect(here: Here, number: int) -> None:
    here.protected = number % 2 == 0


def freeze(here: Here, number: int) -> None:
    here.frozen = number % 2 == 0


def lose(here: Here, number: int) -> None:
    here.lost = number


def die(here: Here, number: int) -> None:
    here.dies = (here.written + 1 + number // 2, "before" if number % 2 else "behind")


HAPPENINGS = (look, look, look, learn, elsewhere, by_hand, hotfix, merge, protect, freeze, lose, die, die)
events = some.tuples(some.sampled_from(HAPPENINGS), some.integers(0, 4))


@settings(max_examples=400)
@given(some.lists(events, max_size=25))
def test_one_revert_commit_at_most_and_an_end_whatever_happens(
    history: list[tuple[Callable[[Here, Any], None], Any]],
) -> None:
    here = Here()
    for happens, how in history:
        happens(here, how)
        assert len(here.reverts()) <= 1
    here.frozen, here.lost, here.dies, here.protected = False, 0, None, False
    for _ in range(4):
        here.run()
        merge(here, 0)
        learn(here, 0)
    here.run()
    head = here.commits[here.refs[MAIN]]
    assert len(here.reverts()) <= 1
    assert here.live == (GOOD if head.rendering == BAD else head.rendering)
    assert (
        here.memory.rollback.phase in {"Recovered", "Superseded", "Branched", "Pushed"}
        or not here.memory.bads
    )


def test_for_every_write_a_death_before_or_behind_it_ends_in_exactly_one_revert() -> None:
    for number in range(1, 8):
        for when in ("before", "behind"):
            here = Here()
            here.dies = (number, when)
            for _ in range(4):
                here.run()
                learn(here, 0)
            here.run()
            assert here.memory.rollback.phase == "Recovered"
            assert (len(here.reverts()), here.live) == (1, GOOD)
