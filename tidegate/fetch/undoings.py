"""Whether people take a release back: by Git's own words or by ours, of what an Application is made of."""

from __future__ import annotations

from crds.errors import Invalid
from gitops import reverts
from tidegate.fetch.declared import Declared
from tidegate.git.errors import GitError, NoRevision, Unrenderable
from tidegate.git.history import Commit
from tidegate.git.repositories import Repositories
from tidegate.planners import needs


class Undoings:
    """Answers an `Undone`. What others revert in the same repository says nothing of this one."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    async def __call__(self, need: needs.Undone) -> needs.Answer:
        try:
            return needs.Known(await self._is_undone(need))
        except (GitError, Invalid) as problem:
            return needs.Failed(str(problem))

    async def _is_undone(self, need: needs.Undone) -> bool:
        files = await self._files(need)
        came = await self._touching(need.repo, need.good, need.old, files)
        back = await self._touching(need.repo, need.old, need.new, files)
        return any(_takes_back(one, came, need.application) for one in back)

    async def _files(self, need: needs.Undone) -> set[str]:
        """What it is made of at each of the three commits, and the file that defines it."""
        declared = Declared(self._repositories, need.repo, need.application, need.folders, need.parent)
        files: set[str] = set()
        for commit in (need.good, need.old, need.new):
            try:
                files |= {*(await declared.at(commit, need.source)).files, *await declared.definition(commit)}
            except (Unrenderable, NoRevision, Invalid):
                continue  # as it is by now, the source need not have been there before
        return files

    async def _touching(self, repo: str, old: str, new: str, files: set[str]) -> tuple[Commit, ...]:
        """The commits between that brought a change of these, side branches included."""
        paths = tuple(path for path in await self._repositories.changed(repo, old, new) if path in files)
        return await self._repositories.brought(repo, old, new, paths) if paths else ()


def _takes_back(one: Commit, came: tuple[Commit, ...], application: str) -> bool:
    if one.trailer(reverts.ID) and one.trailer(reverts.APPLICATION) == application:
        return True
    said = reverts.reverted(one.body)
    return any(before.id.startswith(digits) for before in came for digits in said)
