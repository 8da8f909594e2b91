"""What Prometheus answers, in good and in bad days: by its mood."""

from __future__ import annotations

import asyncio
from typing import Any, Literal, get_args

from analysis.counters import Unusable, parse
from analysis.instant import Instant
from tidegate.kube.http import Request
from tidegate.planners.needs import Answer, Failed, Known, Query, Samples
from tidegate.sandbox.prometheus import Prometheus

Mood = Literal["well", "down", "hanging", "NaN", "empty", "half", "bad"]
MOODS: tuple[Mood, ...] = get_args(Mood)
NAN = float("nan")


class Answering:
    """`mood` holds until it is changed; "bad" news are those of a classic query."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self.mood: Mood = "well"

    async def samples(self, need: Samples) -> Answer:
        """Raw counters."""
        await self._patience()
        self._prometheus.down = self.mood == "down"
        query = {"query": f"{need.selector}[{need.window:.0f}s]", "time": str(need.at.timestamp())}
        response = self._prometheus.handle(Request("GET", "/api/v1/query", query))
        series = parse(self._moody(response.body))
        return Failed(series.why) if isinstance(series, Unusable) else Known(series)

    async def query(self, _need: Query) -> Answer:
        """One number, good above 0."""
        await self._patience()
        match self.mood:
            case "down":
                return Failed("503")
            case "NaN":
                return Known(Instant((NAN,)))
            case "empty":
                return Known(Instant(()))
            case "bad":
                return Known(Instant((-1.0,)))
            case _:
                return Known(Instant((1.0,)))

    async def _patience(self) -> None:
        if self.mood == "hanging":
            await asyncio.sleep(3600)

    def _moody(self, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("status") != "success" or self.mood not in ("NaN", "empty", "half"):
            return body
        found = body["data"]["result"]
        keeps = {"NaN": found, "empty": [], "half": found[::2]}[self.mood]
        if self.mood == "NaN":
            keeps = [{**one, "values": [[at, "NaN"] for at, _ in one["values"]]} for one in keeps]
        return {**body, "data": {**body["data"], "result": keeps}}
