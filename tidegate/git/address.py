"""The address of a repository, in the several spellings that mean the same one."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import msgspec

from crds.addresses import hidden
from crds.errors import Invalid
from crds.repositories import SCP, bare

PROTOCOLS = ("https", "ssh", "http")
"""What is spoken by default. `file` and Git's helpers (`ext::`) would read what only the controller may."""

_PLAIN = re.compile(r"[^\s\x00-\x1f\\]+")


class Address(msgspec.Struct, frozen=True):
    """`url` holds no password; a user's name only for ssh, where it is part of the address."""

    url: str
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Address({self.url!r})"

    @property
    def site(self) -> str:
        """Scheme and host: whom credentials may be shown to."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


def read(written: str, protocols: tuple[str, ...] = PROTOCOLS) -> Address:
    """Raises Invalid."""
    text = written.strip()
    if text.startswith("-") or not _PLAIN.fullmatch(text):
        raise Invalid("repoURL", f"{hidden(text)!r} is no address of a Git repository")
    if "://" not in text and (scp := SCP.fullmatch(text)) and "::" not in text:
        text = f"ssh://{scp['user'] or 'git'}@{scp['host']}/{scp['path'].lstrip('/')}"
    parts = urlsplit(text)
    if parts.scheme not in protocols:
        allowed = ", ".join(protocols)
        raise Invalid(
            "repoURL", f"{hidden(text)!r}: Git is read over {allowed}; write a URL with one of them"
        )
    if parts.scheme == "ssh" or not parts.username:
        return Address(hidden(text))
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return Address(plain, unquote(parts.username), unquote(parts.password or ""))


def begins(url: str, prefix: str) -> bool:
    """Whether credentials written for `prefix` are meant for this repository."""
    whole, part = bare(url), bare(prefix)
    return whole == part or whole.startswith(part if part.endswith("/") else part + "/")
