"""What is wrong with an Application beyond its types: the field, and the way out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from crds.application import Application
from crds.application_policy import IgnoredDifference, Retry, Rollback
from crds.application_source import Image, Source, image
from crds.errors import Invalid
from crds.paths import show
from crds.times import duration

Problems = Iterator[Invalid]
LEVELS = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")
"""Health, from best to worst."""

IMAGES = ("spec", "source", "kustomize", "images")
SCOPES = ("rollout", "app")
MODES = ("auto", "push", "pullRequest", "none")
STRATEGIES = ("auto", "commit", "paths")
SOONEST = timedelta(seconds=10)


def problems(application: Application) -> tuple[Invalid, ...]:
    """Every mistake in the spec, in reading order; empty where there is none."""
    return (
        *_project(application),
        *_destination(application),
        *_source(application),
        *_policy(application),
        *_ignored_differences(application.spec.ignore_differences),
        *_health(application),
        *_rollback(application),
    )


def image_unmatched(application: Application, images: frozenset[str]) -> tuple[Invalid, ...]:
    """Overrides that name none of the images rendered, each beside those that there are.

    One that gives a new name has worked where that is rendered.
    """
    kustomize = application.spec.source.kustomize if application.spec.source else None
    found = [(at, image(one, *IMAGES, at)) for at, one in enumerate(kustomize.images if kustomize else ())]
    known = ", ".join(sorted(images)) or "none"
    return tuple(
        Invalid(show(*IMAGES, at), f"{one.name} is the name of no image rendered; there is {known}")
        for at, one in found
        if not {one.name, one.new_name} & images
    )


def _project(application: Application) -> Problems:
    if not application.spec.project:
        yield Invalid("spec.project", "is empty; name an AppProject, like default")


def _destination(application: Application) -> Problems:
    to = application.spec.destination
    if to.server and to.name:
        yield Invalid("spec.destination.name", "stands beside server; keep one of the two")
    if not (to.server or to.name):
        what = "names no cluster; write server: https://kubernetes.default.svc"
        yield Invalid("spec.destination", what)


def _source(application: Application) -> Problems:
    spec = application.spec
    if spec.sources or spec.source_hydrator:
        return
    if spec.source is None:
        yield Invalid("spec.source", "is missing; write repoURL, targetRevision and path")
        return
    if not spec.source.repo_url:
        yield Invalid("spec.source.repoURL", "is missing; write the address of the repository")
    if not (spec.source.path or spec.source.chart):
        yield Invalid("spec.source.path", "is missing; write the folder with the manifests, . for the root")
    if _outside(spec.source.path):
        yield Invalid("spec.source.path", f"{spec.source.path} leaves the repository; write a path in it")
    yield from _one_renderer(spec.source)
    yield from _images(spec.source)


def _outside(path: str) -> bool:
    return path.startswith("/") or ".." in path.split("/")


def _one_renderer(source: Source) -> Problems:
    said = [
        name for name in ("directory", "kustomize", "helm", "plugin") if getattr(source, name) is not None
    ]
    if len(said) > 1:
        yield Invalid("spec.source", f"says {' and '.join(said)}; keep one")


def _images(source: Source) -> Problems:
    names = []
    for at, one in enumerate(source.kustomize.images if source.kustomize else ()):
        try:
            read = image(one, *IMAGES, at)
        except Invalid as problem:
            yield problem
            continue
        names.append(read.name)
        if isinstance(one, Image) and one.new_tag and one.digest:
            yield Invalid(show(*IMAGES, at, "digest"), "stands beside newTag; keep one of the two")
    for name, times in Counter(names).items():
        if times > 1:
            yield Invalid(show(*IMAGES), f"{name} {times} times; each once")


def _policy(application: Application) -> Problems:
    policy = application.spec.sync_policy
    where = "spec.syncPolicy.driftCheckInterval"
    try:
        if application.drift_check_interval < SOONEST:
            yield Invalid(where, f"{policy.drift_check_interval} is less than 10s; write 10s or more")
    except Invalid as problem:
        yield problem
    for at, option in enumerate(policy.sync_options):
        if "=" not in option:
            where = show("spec", "syncPolicy", "syncOptions", at)
            yield Invalid(where, f"{option} has no value; write {option}=true")
    if application.spec.revision_history_limit < 0:
        yield Invalid("spec.revisionHistoryLimit", "is below 0; write 0 or more")
    if policy.retry:
        yield from _retry(policy.retry)


def _retry(retry: Retry) -> Problems:
    where = "spec.syncPolicy.retry.backoff"
    for name, written in (("duration", retry.backoff.duration), ("maxDuration", retry.backoff.max_duration)):
        try:
            if duration(written, f"{where}.{name}") <= timedelta(0):
                yield Invalid(f"{where}.{name}", f"{written} is no time to wait; write a duration like 5s")
        except Invalid as problem:
            yield problem
    if retry.backoff.factor < 1:
        yield Invalid(f"{where}.factor", f"{retry.backoff.factor} is below 1; write 1 or more")


def _ignored_differences(ignored: tuple[IgnoredDifference, ...]) -> Problems:
    for at, one in enumerate(ignored):
        for index, text in enumerate(one.json_pointers):
            where = show("spec", "ignoreDifferences", at, "jsonPointers", index)
            if not text.startswith("/"):
                yield Invalid(where, f"{text!r} is no JSON pointer; write it like /spec/replicas")
            elif re.search("~(?![01])", text):
                yield Invalid(where, f"{text!r} has a lone ~; write ~0 for ~ and ~1 for /")


def _health(application: Application) -> Problems:
    for at, rule in enumerate(application.spec.health.resources):
        where = show("spec", "health", "resources", at)
        if rule.health_level not in LEVELS:
            yield Invalid(f"{where}.healthLevel", f"{rule.health_level} is none of {', '.join(LEVELS)}")
        try:
            duration(rule.timeout, f"{where}.timeout")
        except Invalid as problem:
            yield problem


def _rollback(application: Application) -> Problems:
    spec = application.spec
    both = spec.rollback and spec.sync_policy.rollback
    if both and spec.rollback != spec.sync_policy.rollback:
        yield Invalid("spec.syncPolicy.rollback", "says otherwise than spec.rollback; keep one of the two")
    where = "spec.rollback" if spec.rollback else "spec.syncPolicy.rollback"
    yield from _of_rollback(application.rollback, where)


def _of_rollback(rollback: Rollback, where: str) -> Problems:
    for name, word, words in (
        ("scope", rollback.scope, SCOPES),
        ("git.mode", rollback.git.mode, MODES),
        ("git.strategy", rollback.git.strategy, STRATEGIES),
    ):
        if word not in words:
            yield Invalid(f"{where}.{name}", f"{word} is none of {', '.join(words)}")
    if rollback.max_retries < 0:
        yield Invalid(f"{where}.maxRetries", f"{rollback.max_retries} is below 0; write 0 or more")
