"""A commit into a branch of the server, never by force: only where the branch is as it was when it was made.

What git says of a push is believed of refusals alone. Whether it landed, the server is asked afterwards.
"""

from __future__ import annotations

import re

import msgspec

from tidegate.git.command import EXCERPT, Job, Remote, tried
from tidegate.git.errors import Denied, Unreachable
from tidegate.git.heads import HEADS, LOOK_SECONDS
from tidegate.git.mirror import Head, Mirror

PUSH_SECONDS = 120.0
FLAGS = ("--no-verify", "--no-follow-tags", "--no-thin", "--recurse-submodules=no", "--no-signed")
NEVER = f"{HEADS}rollback/never"
"""A branch that is asked for and not made."""
REJECTED = "remote rejected"
"""The server has let us in, whatever its hooks say then."""
_PASSING = re.compile(r"cannot lock ref|failed to (lock|update ref)|unpacker error|index-pack", re.IGNORECASE)
_DECLINED = re.compile(
    rf"{REJECTED}|protected branch|GH006|hook declined|rule violations|required_signatures"
    r"|not allowed to (force )?push|denied to|read.only",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"authentication failed|could not read username|permission denied|access denied|returned error: 40[13]"
    r"|not authorized|terminal prompts disabled|host key verification failed",
    re.IGNORECASE,
)


class Push(msgspec.Struct, frozen=True):
    """`commit` to `ref`, which is at `base`; a ref that is not there is at ""."""

    commit: str
    ref: str
    base: str


class Outcome(msgspec.Struct, frozen=True):
    """`tip` is what the branch names now; `declined` is why the server does not take the commit."""

    landed: bool
    tip: str = ""
    declined: str = ""


def push(mirror: Mirror, writer: Remote, what: Push) -> Outcome:
    """Raises GitError where nobody knows what became of it, or nobody lets us in."""
    code, said = tried(writer, Job(_words(what), PUSH_SECONDS), mirror.git_dir)
    tip = _tip(mirror, what.ref)
    if tip and mirror.contains(tip, what.commit):
        return Outcome(True, tip)
    if tip != what.base:
        return Outcome(False, tip)
    why = _telling(said) or f"git push ended with {code}"
    if _DENIED.search(why) and REJECTED not in why:
        raise Denied(_denied(writer, why))
    if _DECLINED.search(why) and not _PASSING.search(why):
        return Outcome(False, tip, why)
    raise Unreachable(f"{writer.url}: {why}")


def refusal(mirror: Mirror, writer: Remote) -> str:
    """Why the server lets nobody push with these credentials, "" where it does. GitError: nobody can tell.

    It is asked for a push, and nothing is sent. What its hooks and its branches would say, nobody knows.
    """
    commit = mirror.any()
    if not commit:
        raise Unreachable(f"{writer.url} was not read yet")
    words = ("push", "--dry-run", *FLAGS, "origin", f"{commit}:{NEVER}")
    code, said = tried(writer, Job(words, LOOK_SECONDS), mirror.git_dir)
    why = _telling(said)
    if code and not (_DENIED.search(why) or _DECLINED.search(why)):
        raise Unreachable(f"{writer.url}: {why}")
    return _denied(writer, why) if code else ""


def _denied(writer: Remote, why: str) -> str:
    return (
        f"{writer.url} lets us not write: {why}; is there a Secret for it with the label "
        "argocd.argoproj.io/secret-type: repository-write, and may its user push?"
    )


def _words(what: Push) -> tuple[str, ...]:
    # The lease is what the server compares before it moves the branch. The commit stands upon `base`, so
    # nothing is ever lost by it, which git's own word for the flag does not say.
    lease = f"--force-with-lease={what.ref}:{what.base}"
    return ("push", *FLAGS, lease, "origin", f"{what.commit}:{what.ref}")


def _tip(mirror: Mirror, ref: str) -> str:
    assert ref.startswith(HEADS), "only branches are pushed to"
    found = mirror.heads([ref])[ref]
    return found.commit if isinstance(found, Head) else ""


def _telling(stderr: str) -> str:
    lines = (line.strip() for line in stderr.splitlines())
    telling = [
        line for line in lines if line.startswith(("!", "fatal:", "error:", "remote:", "ERROR", "no "))
    ]
    return "; ".join(telling)[:EXCERPT]
