"""What an Application declares at a commit, the Application that declares it there, and those beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from crds.errors import Invalid
from crds.repositories import same
from gitops.objects import key_of
from tidegate.git.errors import GitError
from tidegate.git.render import Asked, Rendering
from tidegate.git.repositories import Repositories
from tidegate.planners.needs import Sourced

Raw = dict[str, Any]


class Declared:
    """In one repository; `application` is namespace/name, and `parent` the one whose source declares it."""

    def __init__(
        self, repositories: Repositories, repo: str, application: str, folders: str, parent: Sourced | None
    ) -> None:
        self._repositories, self._repo, self._folders = repositories, repo, folders
        self._namespace, _, self._name = application.partition("/")
        self._parent = parent if parent and same(parent.repo, repo) else None

    @property
    def parent_name(self) -> str:
        return f"Application {self._parent.name}" if self._parent else "nobody"

    async def at(self, commit: str, source: bytes) -> Rendering:
        question = Asked(source, self._name, self._folders)
        return await self._repositories.rendered(self._repo, commit, question)

    async def own(self, commit: str) -> Raw | None:
        """The Application itself, as the parent declares it."""
        found = await self._by_parent(commit)
        return next((raw for raw in found.raws() if self._is_me(raw)), None) if found else None

    async def definition(self, commit: str) -> set[str]:
        """The file that defines it; where a kustomization does, whatever that is made of."""
        found = await self._by_parent(commit)
        if found is None:
            return set()
        if found.kind == "Kustomize":
            return set(found.files)
        pairs = zip(found.origins, found.raws(), strict=True)
        return {file for (file, _), raw in pairs if self._is_me(raw)}

    async def siblings(self, commit: str) -> dict[Any, Raw]:
        """Everything else that the parent declares."""
        found = await self._by_parent(commit)
        return {key_of(raw): raw for raw in found.raws() if not self._is_me(raw)} if found else {}

    async def changed_by(self, beside: Iterable[Sourced], old: str, new: str) -> tuple[str, ...]:
        """Which of these declare something else at the new commit; the parent does, for it defines us."""
        others = [one for one in beside if self._parent is None or one.name != self._parent.name]
        differ = await asyncio.gather(*(self._differs(one, old, new) for one in others))
        return tuple(sorted(one.name for one, does in zip(others, differ, strict=True) if does))

    async def _differs(self, one: Sourced, old: str, new: str) -> bool:
        """One that cannot be rendered has nothing to lose."""
        question = Asked(one.source, one.name, one.folders)
        try:
            before, after = [
                await self._repositories.rendered(self._repo, commit, question) for commit in (old, new)
            ]
        except (GitError, Invalid):
            return False
        return before.objects != after.objects

    async def _by_parent(self, commit: str) -> Rendering | None:
        if self._parent is None:
            return None
        question = Asked(self._parent.source, self._parent.name, self._parent.folders)
        return await self._repositories.rendered(self._repo, commit, question)

    def _is_me(self, raw: Raw) -> bool:
        key = key_of(raw)
        return (key.group, key.kind, key.name) == ("argoproj.io", "Application", self._name) and (
            key.namespace in {"", self._namespace}
        )
