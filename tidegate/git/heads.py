"""What a `targetRevision` means on the server now: one ls-remote answers for all of a repository.

A branch comes before a tag of the same name, either before a version range, and hexadecimal digits that
name no ref are a commit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from crds.errors import Invalid
from tidegate.git import semver
from tidegate.git.command import Job, Remote, ask

HEADS, TAGS = "refs/heads/", "refs/tags/"
LOOK_SECONDS = 20.0
_LEADS, _BRANCH = "ref: ", "the branch of HEAD"

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock(/|$)|/\.")
_HEX = re.compile(r"[0-9a-f]{7,40}|[0-9a-f]{64}", re.IGNORECASE)
_FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)


class Named(msgspec.Struct, frozen=True):
    """A ref of the server and the commit it names, peeled."""

    ref: str
    commit: str


def is_full(revision: str) -> bool:
    return bool(_FULL.fullmatch(revision))


def is_short(revision: str) -> bool:
    return bool(_HEX.fullmatch(revision)) and not is_full(revision)


def asked(revision: str) -> str:
    """The revision as it is asked; Invalid where no server could have it."""
    text = revision.strip() or "HEAD"
    if _FORBIDDEN.search(text) and not semver.is_range(text):
        raise Invalid("targetRevision", f"{revision!r} is no branch, tag, commit or version range")
    return text


def look(remote: Remote, revisions: Iterable[str], seconds: float = LOOK_SECONDS) -> dict[str, Named | None]:
    """What each revision names by a ref of the server; None where no ref does. Raises GitError, Invalid."""
    wanted = {revision: asked(revision) for revision in revisions}
    patterns = sorted({p for text in wanted.values() if not is_full(text) for p in _patterns(text)})
    refs = (
        _refs(ask(remote, Job(("ls-remote", "--symref", "--", "origin", *patterns), seconds)))
        if patterns
        else {}
    )
    return {revision: _meant(text, refs) for revision, text in wanted.items()}


def _patterns(text: str) -> list[str]:
    if text == "HEAD":
        return ["HEAD"]
    exact = [] if _FORBIDDEN.search(text) else [p for ref in _candidates(text) for p in (ref, ref + "^{}")]
    return exact + ([TAGS + "*"] if semver.is_range(text) else [])


def _candidates(text: str) -> list[str]:
    return [text] if text.startswith("refs/") else [HEADS + text, TAGS + text]


def _refs(answer: bytes) -> dict[str, str]:
    """Annotated tags by the commit they stand for; of HEAD, the branch too."""
    pairs = [line.partition("\t") for line in answer.decode(errors="replace").splitlines()]
    found = {ref: commit for commit, _, ref in pairs if not commit.startswith(_LEADS)}
    for said, _, _ in pairs:
        if said.startswith(_LEADS):
            found[_BRANCH] = said.removeprefix(_LEADS)
    return {ref: found.get(ref + "^{}", commit) for ref, commit in found.items() if not ref.endswith("^{}")}


def _meant(text: str, refs: Mapping[str, str]) -> Named | None:
    if text == "HEAD":
        return Named(refs.get(_BRANCH, "HEAD"), refs["HEAD"]) if "HEAD" in refs else None
    for ref in _candidates(text):
        if ref in refs:
            return Named(ref, refs[ref])
    tags = [ref.removeprefix(TAGS) for ref in refs if ref.startswith(TAGS)]
    tag = semver.newest(text, tags) if semver.is_range(text) else None
    return None if tag is None else Named(TAGS + tag, refs[TAGS + tag])
