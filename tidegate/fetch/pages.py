"""A collection whole, however many pages it has."""

from __future__ import annotations

from tidegate.kube import requests
from tidegate.kube.errors import accepted
from tidegate.kube.http import Sender
from tidegate.kube.requests import Selection
from tidegate.kube.store import Raw


async def listed(sender: Sender, path: str, selection: Selection) -> list[Raw]:
    """All objects of a collection that are meant, page by page. Raises KubeError."""
    raws: list[Raw] = []
    token = ""
    while True:
        page = accepted(await sender.send(requests.page(path, selection, token=token)))
        raws += page.get("items") or ()
        token = page["metadata"].get("continue", "")
        if not token:
            return raws
