"""Addresses as they may be shown: without the password that somebody may have written into one."""

from __future__ import annotations

import re


def hidden(url: str) -> str:
    """The address as it may be shown; of ssh, a user is part of it."""
    if url.startswith("ssh"):
        return re.sub(r"(//[^/@:\s]*):[^/\s]*@", r"\1@", url)
    return re.sub(r"(//)[^/\s]*@", r"\1", url) if "://" in url else url
