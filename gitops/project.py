"""What an AppProject permits: repositories, destinations, kinds. Each answer is "" or why not, with the fix.

Patterns are globs. In a repository's address `*` stays within one part of the path and `**` does not; `!` in
front of a pattern denies, and a denial beats every permission, by whichever name the cluster goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec.structs import replace

from crds.application import IN_CLUSTER, Application
from crds.application_policy import Destination
from crds.appproject import EVERYTHING, AppProject, GroupKind, ProjectDestination, ProjectSpec
from crds.errors import Invalid
from crds.globs import glob
from crds.meta import ObjectMeta
from gitops.objects import Key

HERE = "in-cluster"
DEFAULT = AppProject(EVERYTHING, ObjectMeta(name="default"))
"""Stands in while nobody has written a project of that name."""


def missing(application: Application) -> str:
    """Argo's words for a project that is not there."""
    return f"Application referencing project {application.spec.project} which does not exist"


def refusal(application: Application, project: AppProject, home: str) -> str:
    """Why an Application may not be synced at all; "" where it may. `home` is the controller's namespace."""
    spec, name, to = project.spec, application.spec.project, application.spec.destination
    where = application.metadata.namespace
    if where not in {"", home} and not any(_glob(one, where) for one in spec.source_namespaces):
        said = f"Application in namespace {where} is not permitted in project {name}"
        return f"{said}; {_fix(name, 'sourceNamespaces')}"
    for source in (*application.spec.sources, application.spec.source):
        if source and not permits_repository(spec, source.repo_url):
            said = f"application repo {source.repo_url} is not permitted in project '{name}'"
            return f"{said}; {_fix(name, 'sourceRepos', _denied_repository(spec, source.repo_url))}"
    if not permits_destination(spec, to, to.namespace):
        said = (
            f"application destination server '{to.server or to.name}' and namespace '{to.namespace}' do not"
        )
        what = f"{said} match any of the allowed destinations in project '{name}'"
        return f"{what}; {_fix(name, 'destinations', _denied_destination(spec, to, to.namespace))}"
    return ""


def object_refusals(application: Application, project: AppProject, keys: Iterable[Key]) -> dict[Key, str]:
    """The objects of an Application that may not be written, and why."""
    keys = tuple(keys)
    spec, to = project.spec, application.spec.destination
    spaces = {key.namespace for key in keys}
    outside = {one for one in spaces if one and not permits_destination(spec, to, one)}
    said = ((key, _object_refusal(application, project, key, key.namespace in outside)) for key in keys)
    return {key: why for key, why in said if why}


def _object_refusal(application: Application, project: AppProject, key: Key, outside: bool) -> str:
    spec, name, to = project.spec, application.spec.project, application.spec.destination
    if not permits_kind(spec, key):
        denied = _denied_kind(spec, key)
        scope, colour = "namespace" if key.namespace else "cluster", "Black" if denied else "White"
        kind = f"{key.group}:{key.kind}"
        fix = _fix(name, f"{scope}Resource{colour}list", denied)
        return f"Resource {kind} is not permitted in project {name}; {fix}"
    if outside:
        said = f"namespace {key.namespace} is not permitted in project '{name}'"
        return f"{said}; {_fix(name, 'destinations', _denied_destination(spec, to, key.namespace))}"
    return ""


def permits_repository(spec: ProjectSpec, url: str) -> bool:
    permitted = (one for one in spec.source_repos if not one.startswith("!"))
    listed = any(_repository(one, _address(url)) for one in permitted)
    return listed and not _denied_repository(spec, url)


def permits_destination(spec: ProjectSpec, to: Destination, namespace: str) -> bool:
    """By server or by name, whichever the Application names, and by namespace."""
    listed = any(_fits(one, to, namespace) for one in spec.destinations if not _denies(one))
    return listed and not _denied_destination(spec, to, namespace)


def permits_kind(spec: ProjectSpec, key: Key) -> bool:
    """Cluster-wide kinds only where they are listed, others unless a list leaves them out."""
    listed = _listed(spec.cluster_resource_whitelist, key)
    if key.namespace:
        listed = not spec.namespace_resource_whitelist or _listed(spec.namespace_resource_whitelist, key)
    return listed and not _denied_kind(spec, key)


def _denied_repository(spec: ProjectSpec, url: str) -> bool:
    denials = (one.removeprefix("!") for one in spec.source_repos if one.startswith("!"))
    return any(_repository(one, _address(url)) for one in denials)


def _denied_destination(spec: ProjectSpec, to: Destination, namespace: str) -> bool:
    """Where a denial names no cluster, it is for all."""
    by_both = replace(to, name=to.name or (HERE if to.server == IN_CLUSTER else ""))
    denials = (one for one in spec.destinations if _denies(one))
    return any(
        _fits(one if one.server or one.name else replace(one, server="*"), by_both, namespace)
        for one in denials
    )


def _denied_kind(spec: ProjectSpec, key: Key) -> bool:
    black = spec.namespace_resource_blacklist if key.namespace else spec.cluster_resource_blacklist
    return _listed(black, key)


def _fits(one: ProjectDestination, to: Destination, namespace: str) -> bool:
    """A denial in one part speaks of what the other part fits."""
    server = to.server or (IN_CLUSTER if to.name == HERE else "")
    cluster = _bare(one.server, server) if one.server else bool(one.name) and _bare(one.name, to.name)
    return cluster and _bare(one.namespace, namespace)


def _denies(one: ProjectDestination) -> bool:
    return any(part.startswith("!") for part in (one.server, one.name, one.namespace))


def _bare(pattern: str, text: str) -> bool:
    return _glob(pattern.removeprefix("!"), text)


def _listed(kinds: Iterable[GroupKind], key: Key) -> bool:
    return any(
        _glob(one.group, key.group)
        and _glob(one.kind, key.kind)
        and (not one.name or _glob(one.name, key.name))
        for one in kinds
    )


def _repository(pattern: str, plain: str) -> bool:
    return pattern == "*" or _glob(_address(pattern), plain, "[^/]*")


def _address(url: str) -> str:
    """An address without what makes no other repository of it."""
    return url.lower().rstrip("/").removesuffix(".git")


def _glob(pattern: str, text: str, star: str = ".*") -> bool:
    try:
        return glob(pattern, star).fullmatch(text) is not None
    except re.error:
        raise Invalid("AppProject", f"{pattern!r} is no glob; write one like team-* or {{a,b}}") from None


def _fix(project: str, field: str, denied: bool = False) -> str:
    what = "take the denial out of" if denied else "add it to"
    return f"{what} spec.{field} of AppProject {project}"
