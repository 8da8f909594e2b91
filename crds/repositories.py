"""When two addresses mean one repository, however they are spelled."""

from __future__ import annotations

import re

SCP = re.compile(r"(?:(?P<user>[\w.-]+)@)?(?P<host>[\w.-]+):(?P<path>(?!//).+)")
"""`git@host:org/repository`, which is ssh."""


def same(one: str, other: str) -> bool:
    """As Argo CD compares them: without case, a user, an ending `.git` or a slash."""
    return bare(one) == bare(other)


def bare(url: str) -> str:
    """The same for all spellings of a repository."""
    text = url.strip()
    if "://" not in text and (scp := SCP.fullmatch(text)):
        text = f"ssh://{scp['user'] or 'git'}@{scp['host']}/{scp['path'].lstrip('/')}"
    scheme, _, rest = text.lower().partition("://")
    rest = rest if scheme == "ssh" else rest.rpartition("@")[2]
    return f"{scheme}://{rest}".rstrip("/").removesuffix(".git")
