"""What can be wrong between a repository and its objects; each names the repository and what to do.

GitError
├── Unreachable      the server did not answer in time, or not as Git does: asked again later
├── Denied           it answered, and wants other credentials
├── NoRevision       it has no such branch, tag or commit (any more)
├── Damaged          the mirror is broken: it is thrown away and made anew
└── Unrenderable     the files at that revision do not say what is wanted: waits for a commit
    └── Slow         they were not rendered in time; where they were before, the machine is busy
"""

from __future__ import annotations


class GitError(Exception):
    """Anything below."""


class Unreachable(GitError):
    pass


class Denied(GitError):
    pass


class NoRevision(GitError):
    pass


class Damaged(GitError):
    pass


class Unrenderable(GitError):
    """`file` and `line` say where, as far as it is known."""

    def __init__(self, problem: str, file: str = "", line: int | None = None) -> None:
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(where + problem)
        self.problem, self.file, self.line = problem, file, line


class Slow(Unrenderable):
    pass
