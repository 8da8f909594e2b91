"""A bare mirror of one repository in the cache, without the contents of files until they are read.

Every write holds a lock that git inherits, so that two processes, or a crash in mid-fetch, leave a mirror
that can be used: what a dead one left locked is cleared by the next that holds the lock.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec

from crds.addresses import hidden
from crds.errors import Invalid
from tidegate.git import running
from tidegate.git.command import Job, Remote, ask, read
from tidegate.git.errors import Damaged, GitError, NoRevision, Unreachable
from tidegate.git.heads import HEADS, TAGS, Named, asked, is_full, is_short, look

FETCH_SECONDS = 300.0
_OURS = "refs/tidegate/"
SEEN, LOST = f"{_OURS}seen/", f"{_OURS}lost/"
"""What a branch named when last looked at, and what it named before a force-push."""
FETCHED, KEPT, ALL = f"{_OURS}fetched/", f"{_OURS}kept/", f"{_OURS}all/"
_EXACTLY = ("-c", "fetch.negotiationAlgorithm=noop")
"""Else the server takes it that who has a tree has its files."""
SHA256 = 64
"""Digits of an id where a repository is of that format, which its mirror has to be, too."""
MOST_PACKS = 50
MOST_AT_ONCE = 1000
"""Objects asked of a server by one fetch."""

# Said on the command line alone: with these in its configuration, git would fetch what is missing whenever
# something is read, one by one, without credentials.
_PARTIAL = ("-c", "remote.origin.promisor=true", "-c", "remote.origin.partialclonefilter=blob:none")
_QUIET = ("--no-tags", "--no-write-fetch-head", "--quiet", "--filter=blob:none")


class Head(msgspec.Struct, frozen=True):
    """What a revision named at the last look. `rewritten` is a commit that was this branch's head once, and
    that its history no longer contains: someone has force-pushed."""

    revision: str
    ref: str
    commit: str
    rewritten: str = ""


class Lost(msgspec.Struct, frozen=True):
    """It names nothing; `last` is the commit it named when it was last seen."""

    revision: str
    why: str
    last: str = ""


class Mirror:
    """`folder` is the cache of all repositories. Every method blocks: call it from a thread."""

    def __init__(self, folder: Path, remote: Remote, seconds: float = FETCH_SECONDS) -> None:
        self.remote = remote
        self.git_dir = folder / f"{_slug(remote.url)}.git"
        self._seconds = seconds
        self._format = "sha1"

    def heads(self, revisions: Collection[str]) -> dict[str, Head | Lost]:
        """What the revisions name now, each commit with its history at hand. Raises GitError.

        One ls-remote for all, and a fetch only where a head is not known yet.
        """
        wrong = {revision: Lost(revision, why) for revision in revisions if (why := _wrong(revision))}
        found = look(self.remote, set(revisions) - wrong.keys())
        try:
            return self._learned(found) | wrong
        except Damaged:
            self.renew()
            return self._learned(found) | wrong

    def _learned(self, found: Mapping[str, Named | None]) -> dict[str, Head | Lost]:
        ids = (*(ref.commit for ref in found.values() if ref), *found)
        self._format = "sha256" if any(is_full(one) and len(one) == SHA256 for one in ids) else "sha1"
        self._learn({ref.ref: ref.commit for ref in found.values() if ref})
        lost = self._refs(LOST)
        return {revision: self._head(revision, ref, lost) for revision, ref in found.items()}

    def renew(self) -> None:
        """Throw the mirror away, for it is damaged; the next look at heads fills it."""
        with self._writing():
            self._make()

    def bring(self, blobs: Iterable[str]) -> None:
        """Fetch contents of files that a reading found missing. Raises GitError."""
        wanted = sorted(set(blobs))
        with self._writing() as lock:
            for start in range(0, len(wanted), MOST_AT_ONCE):
                self._fetch(wanted[start : start + MOST_AT_ONCE], lock, *_EXACTLY)

    def hold(self, commits: Iterable[str]) -> None:
        """Have these commits, or raise GitError: NoRevision where the server has them not either."""
        absent = self.lacking(commits)
        for found in self.heads(absent).values() if absent else ():
            if isinstance(found, Lost):
                raise NoRevision(found.why)

    def lacking(self, commits: Iterable[str]) -> list[str]:
        """Those of them that are not here."""
        return [commit for commit in commits if not (self._whole() and self.has(commit))]

    def any(self) -> str:
        """A commit that some branch or tag was seen to name; "" where none was."""
        return next(iter(self._refs(SEEN).values()), "") if self._whole() else ""

    def has(self, commit: str) -> bool:
        answer = read(self.git_dir, "cat-file", "--batch-check", given=commit.encode() + b"\n")
        return answer.split()[1:2] == [b"commit"]

    def _learn(self, named: Mapping[str, str]) -> None:
        """Have these commits, and remember what the refs were."""
        if not self._whole():
            with self._writing():
                pass
        seen = self._refs(SEEN)
        moved = {ref: commit for ref, commit in named.items() if seen.get(ref) != commit}
        if not moved:
            return
        with self._writing() as lock:
            absent = sorted(ref for ref, commit in moved.items() if not self.has(commit))
            if absent:
                self._fetch([f"+{ref}:{FETCHED}{_flat(ref)}" for ref in absent], lock)
                self._tidy(lock)
            for ref, commit in moved.items():
                self._remember(ref, commit, seen.get(ref))

    def _remember(self, ref: str, commit: str, before: str | None) -> None:
        if not self.has(commit):
            raise Unreachable(
                f"{self.remote.url}: {ref} moved on while it was fetched; it is looked at again"
            )
        if before and ref.startswith(HEADS) and not self.contains(commit, before):
            self._set(LOST, ref, before)
        self._set(SEEN, ref, commit)

    def contains(self, commit: str, ancestor: str) -> bool:
        """Whether `ancestor` is in the history of `commit`, or is it."""
        if commit == ancestor or not self.has(ancestor):
            return commit == ancestor
        return not read(self.git_dir, "rev-list", "--max-count=1", ancestor, f"^{commit}")

    def _head(self, revision: str, named: Named | None, lost: Mapping[str, str]) -> Head | Lost:
        if named is None:
            return self._commit(revision)
        before = lost.get(named.ref, "")
        rewritten = before if before and not self.contains(named.commit, before) else ""
        return Head(revision, named.ref, named.commit, rewritten)

    def _commit(self, revision: str) -> Head | Lost:
        """A revision that no ref bears: a commit, by its digits."""
        commit = ""
        if is_full(revision) or is_short(revision):
            commit = self._known(revision) or self._sought(revision)
        if commit:
            return Head(revision, "", commit)
        return self._lost(revision)

    def _lost(self, revision: str) -> Lost:
        seen = self._refs(SEEN)
        last = next((seen[ref] for ref in (revision, HEADS + revision, TAGS + revision) if ref in seen), "")
        was = f" any more; it was last seen at {last[:10]}" if last else ""
        what = f"{hidden(self.remote.url)} has no branch, tag or commit {revision!r}"
        why = f"{what}{was}; correct targetRevision"
        return Lost(revision, f"{why}, or push it again" if last else why, last)

    def _known(self, digits: str) -> str:
        """The whole id of a commit that is here; "" where none is, or several are."""
        answer = read(self.git_dir, "rev-parse", f"--disambiguate={digits.lower()}").decode().split()
        commits = [one for one in answer if self.has(one)]
        return commits[0] if len(commits) == 1 else ""

    def _sought(self, digits: str) -> str:
        """The same after asking the server: for the commit alone, or, as many allow no such question, all."""
        with self._writing() as lock:
            try:
                if is_full(digits):
                    self._fetch([f"{digits}:{KEPT}{digits}"], lock)
                    return self._known(digits)
            except (NoRevision, Unreachable):
                pass
            self._fetch([f"+{kind}*:{ALL}{kind}*" for kind in (HEADS, TAGS)], lock, after=("--prune",))
        return self._known(digits)

    def _refs(self, below: str) -> dict[str, str]:
        answer = read(self.git_dir, "for-each-ref", "--format=%(refname) %(objectname)", below).decode()
        pairs = (line.split(" ") for line in answer.splitlines())
        return {unquote(ref.removeprefix(below)): commit for ref, commit in pairs}

    def _set(self, below: str, ref: str, commit: str) -> None:
        read(self.git_dir, "update-ref", below + _flat(ref), commit)

    def _fetch(self, what: list[str], lock: int, *before: str, after: tuple[str, ...] = ()) -> None:
        given = "".join(f"{one}\n" for one in what).encode()
        words = (*_PARTIAL, *before, "fetch", *_QUIET, *after, "--stdin", "origin")
        ask(self.remote, Job(words, self._seconds, given, (lock,)), self.git_dir)

    def _tidy(self, lock: int) -> None:
        """Each fetch leaves a pack, and reading is slow with many. Readers meanwhile lose nothing."""
        if len(list(self.git_dir.glob("objects/pack/*.pack"))) > MOST_PACKS:
            words = (*_PARTIAL, "repack", "-a", "-d", "--quiet")
            ask(self.remote, Job(words, self._seconds, held=(lock,)), self.git_dir)

    def _whole(self) -> bool:
        return (self.git_dir / "tidegate").exists()

    @contextmanager
    def _writing(self) -> Iterator[int]:
        """Alone, in a mirror that is there and that nobody dead still holds."""
        lock = self._lock()
        try:
            self._alone(lock)
            if self._whole():
                _unlock(self.git_dir)
            else:
                self._make()
            yield lock
        finally:
            os.close(lock)

    def _lock(self) -> int:
        folder, flags = self.git_dir.parent, os.O_RDWR | os.O_CREAT
        try:
            folder.mkdir(0o700, parents=True, exist_ok=True)
            return os.open(self.git_dir.with_suffix(".lock"), flags, 0o600)
        except OSError as problem:
            fix = "name one that may be written in --git-cache"
            raise GitError(f"no mirror can be kept in {folder}: {problem.strerror}; {fix}") from None

    def _alone(self, lock: int) -> None:
        end = time.monotonic() + self._seconds
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                running.mine().check()
                if time.monotonic() > end:
                    raise Unreachable(
                        f"another process has been fetching {self.remote.url} for {self._seconds:g} s"
                    ) from None
                time.sleep(0.02)

    def _make(self) -> None:
        shutil.rmtree(self.git_dir, ignore_errors=True)
        try:
            self.git_dir.mkdir(parents=True)
            flags = ("--bare", "--quiet", "--template=", "--initial-branch=none")
            read(self.git_dir, "init", *flags, f"--object-format={self._format}")
        except OSError as problem:
            raise GitError(f"no mirror can be made at {self.git_dir}: {problem}") from None
        (self.git_dir / "tidegate").touch()


def _wrong(revision: str) -> str:
    """Why no server could have it: said of this one alone, so that others of the repository are told."""
    try:
        asked(revision)
    except Invalid as problem:
        return str(problem)
    return ""


def _unlock(git_dir: Path) -> None:
    """Whoever made these is dead: we hold the lock."""
    for name in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "objects/pack/*.lock"):
        for left in git_dir.glob(name):
            left.unlink(missing_ok=True)


def _flat(ref: str) -> str:
    """As one word: where `a` was a branch once, `a/b` may be one now."""
    return quote(ref, safe="")


def _slug(url: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", url.lower()).strip("-")[-40:]
    return f"{words}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"
