"""Plays a case against any sender and writes down what cannot differ between two clusters.

Identities and times become words, the same word for the same value: a version that must not move is then
seen to stand still. ReplicaSets have a controller of their own on the lab, so their status and version are
left out after their creation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.contracts.cases import Case, Raw, Seen, Step
from tidegate.kube.http import Request, Response, Sender
from tidegate.sandbox.resources import RESOURCES

RECORDED = Path(__file__).parent / "recorded"
ADDRESS = re.compile(r"10\.\d+\.\d+\.\d+")
NUMBERED = re.compile(r"too old resource version: (\d+) \(\d+\)")


async def play(case: Case, sender: Sender) -> list[Raw]:
    """The answers to the case's steps, comparable."""
    answers: list[Raw] = []
    words = Words()
    shown = []
    for step in case.steps:
        request = _request(step, answers)
        status, body = await (_watched(sender, request, step.lines) if step.lines else _sent(sender, request))
        answers.append(body)
        said = words.said(played(body) if step.discovers else body, fresh=step.method == "POST")
        shown.append({"status": status, "body": said if step.shown else "<not compared>"})
    return shown


def played(body: Raw) -> Raw:
    """Of a discovery, what the sandbox serves; a real API server has much beside it."""
    match body.get("kind"):
        case "APIVersions":
            return {"kind": "APIVersions", "versions": body["versions"]}
        case "APIGroupList":
            groups = [one for one in body["groups"] if one["name"] in {group for group, *_ in RESOURCES}]
            return {**body, "groups": sorted(map(_preferred, groups), key=lambda one: str(one["name"]))}
        case "APIResourceList":
            group = body["groupVersion"].rpartition("/")[0]
            known = {plural for of, _, plural in RESOURCES if of == group}
            found = [_named(one) for one in body["resources"] if _is_played(one["name"], known)]
            return {**body, "resources": sorted(found, key=lambda one: str(one["name"]))}
    return body


def _preferred(group: Raw) -> Raw:
    return {"name": group["name"], "preferredVersion": group["preferredVersion"]}


def _is_played(name: str, known: set[str]) -> bool:
    plural, _, subresource = name.partition("/")
    return plural in known and subresource in ("", "status")


def _named(resource: Raw) -> Raw:
    fields = ("name", "singularName", "namespaced", "kind", "shortNames")
    verbs = sorted(set(resource["verbs"]) - {"deletecollection"})
    return {**{field: resource[field] for field in fields if field in resource}, "verbs": verbs}


def recorded(case: Case) -> Path:
    return RECORDED / f"{case.name}.json"


def written(answers: list[Raw]) -> str:
    return json.dumps(answers, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _request(step: Step, answers: list[Raw]) -> Request:
    query, body = _resolved(step.query, answers), _resolved(step.body, answers)
    timeout = 30.0
    return Request(step.method, quote(step.path), query, body, step.content_type, timeout)


def _resolved(value: Any, answers: list[Raw]) -> Any:
    match value:
        case Seen():
            seen: Any = answers[value.answer]
            for key in value.path:
                seen = seen[key]
            return seen
        case dict():
            return {key: _resolved(inner, answers) for key, inner in value.items()}
        case list():
            return [_resolved(inner, answers) for inner in value]
    return value


async def _sent(sender: Sender, request: Request) -> tuple[int, Raw]:
    response: Response = await sender.send(request)
    return response.status, response.body


async def _watched(sender: Sender, request: Request, count: int) -> tuple[int, Raw]:
    lines: list[Raw] = []
    async for line in sender.watch(request):
        lines.append(line)
        if len(lines) == count:
            break
    return 200, {"lines": lines}


class Words:
    """Values that differ from cluster to cluster, each with a word of its own within one case."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def said(self, value: Any, fresh: bool = False) -> Any:
        match value:
            case {"metadata": dict()} if value.get("kind") != "Status":
                return self._object(value, fresh)
            case dict():
                return {key: self.said(inner, fresh) for key, inner in value.items()}
            case list():
                return [self.said(inner, fresh) for inner in value]
            case str():
                return self._text(value)
        return value

    def _object(self, raw: Raw, fresh: bool) -> Raw:
        busy = raw.get("kind") == "ReplicaSet"
        outside = {"metadata", "status"} if busy and not fresh else {"metadata"}
        rest = {key: self.said(inner, fresh) for key, inner in raw.items() if key not in outside}
        return {"metadata": self._meta(raw["metadata"], busy), **rest}

    def _meta(self, meta: Raw, busy: bool) -> Raw:
        shown = {key: inner for key, inner in meta.items() if key != "managedFields"}
        for key in shown.keys() & {"uid", "resourceVersion"}:
            shown[key] = self._word(key, meta[key])
        for key in shown.keys() & {"creationTimestamp", "deletionTimestamp", "continue"}:
            shown[key] = shown[key] and f"<{key}>"
        if "generateName" in meta:
            shown["name"] = f"{meta['generateName']}<generated>"
        if busy or "uid" not in meta:
            shown |= {"resourceVersion": "<resourceVersion>"} if "resourceVersion" in meta else {}
        return shown

    def _word(self, kind: str, value: str) -> str:
        if value not in self._known:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._known[value] = f"<{kind} {self._counts[kind]}>"
        return self._known[value]

    def _text(self, text: str) -> str:
        if ADDRESS.fullmatch(text):
            return "<address>"
        for value, word in self._longest_first():
            text = text.replace(value, word)
        return NUMBERED.sub(r"too old resource version: \1 (<oldest>)", text)

    def _longest_first(self) -> Iterable[tuple[str, str]]:
        return ((value, word) for value, word in self._known.items() if len(value) > 30)
