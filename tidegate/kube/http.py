"""The one seam to the API server: a request goes in, a response comes out, dicts both ways.

Senders implement `Sender`: aiohttp for the controller, http.client for the CLI (synchronous), the sandbox
in process. Everything above this seam is the same code in all three.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Request:
    """`path` without query; `body` is JSON-able; `timeout` in seconds of transport time."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = "application/json"
    timeout: float = 30.0


@dataclass(frozen=True)
class Response:
    """`body` is the decoded JSON object: the resource, or a metav1.Status when `status` is 400 or above."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class Sender(Protocol):
    """Raises `tidegate.kube.errors.Unreachable` when no answer came: it may or may not have acted."""

    async def send(self, request: Request) -> Response: ...

    def watch(self, request: Request) -> AsyncIterator[dict[str, Any]]:
        """The decoded lines of a watch until the server ends it."""
        ...
