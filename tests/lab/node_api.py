"""The few calls the fake node makes, and its watch of pods."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.lab.playing import Pod

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


class Api:
    def __init__(self, folder: Path) -> None:
        config = yaml.safe_load((folder / "kubeconfig").read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        tls = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self.session = aiohttp.ClientSession(
            cluster["server"],
            headers={"Authorization": f"Bearer {user['token']}", "User-Agent": "lab-node"},
            connector=aiohttp.TCPConnector(ssl=tls, limit=50),
            read_bufsize=2**22,
        )

    async def call(
        self, method: str, path: str, body: Any = None, content: str = "application/json"
    ) -> tuple[int, Any]:
        """Status and decoded body; retried while there is no answer, since a node does not give up."""
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                headers = {"Content-Type": content}
                data = None if body is None else json.dumps(body)
                async with self.session.request(method, path, data=data, headers=headers) as answer:
                    return answer.status, await answer.json()
            await asyncio.sleep(0.5)

    async def pods(self) -> AsyncIterator[tuple[str, Pod]]:
        """("ADDED" | "MODIFIED" | "DELETED", pod) for ever; ("LISTED", list) after each relist."""
        while True:
            _, listed = await self.call("GET", "/api/v1/pods")
            yield "LISTED", listed
            with suppress(aiohttp.ClientError, TimeoutError):
                async for event in self._watched(listed["metadata"]["resourceVersion"]):
                    if event["type"] == "ERROR":
                        break
                    yield event["type"], event["object"]

    async def _watched(self, version: str) -> AsyncIterator[dict[str, Any]]:
        query = {"watch": "1", "resourceVersion": version}
        no_limit = aiohttp.ClientTimeout(total=None)
        async with self.session.get("/api/v1/pods", params=query, timeout=no_limit) as answer:
            async for line in answer.content:
                yield json.loads(line)
