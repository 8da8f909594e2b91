"""The brief's repository, and the few edits that make it run: each has its reason, and can be told."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

Files = Mapping[str, str]
ROOT, PRODUCTION, STAGING = (
    "apps/app-of-apps.yaml",
    "apps/production/api-app.yaml",
    "apps/staging/api-app.yaml",
)
ROLLOUT, KUSTOMIZATION, MESH = (f"services/api/{name}.yaml" for name in ("rollout", "kustomization", "mesh"))
BRIEF = (ROOT, PRODUCTION, STAGING, "services/api/deployment.yaml", ROLLOUT)
THEIRS = "https://github.com/myorg/infrastructure"
IMAGE = "myregistry.azurecr.io/api"
HOLD, LOOK = 10, 3
"""Seconds of a hold, and between two looks of the analysis."""

ROLLBACK = """\
  syncPolicy:
    automated: # as the brief's fragment has it, merged
      prune: true
      selfHeal: true
    syncOptions:
    - CreateNamespace=true
  rollback:
    enabled: true
    onHealthFailure: true
    maxRetries: 3
"""
RETRIES = "    maxRetries: 3\n"
SIGNED = """\
    git:
      signing:
        secretRef: {name: revert-key}
"""
UNSIGNED = """\
    git:
      signing: {type: none}
"""
BY_HAND = """\
  syncPolicy:
    # Manual sync for production (safer)
    syncOptions:
    - CreateNamespace=true
"""
ABROAD = """\
        newTag: v2.1.0-rc1 # Different version for staging
"""
AT_HOME = f"""{ABROAD}\
      namespace: staging
"""
LISTED = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [rollout.yaml, mesh.yaml]
"""
NAMESPACES = """\
apiVersion: v1
kind: Namespace
metadata: {name: production}
---
apiVersion: v1
kind: Namespace
metadata: {name: staging}
"""
PROJECT = """\
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {{name: {name}, namespace: argocd}}
spec:
  sourceRepos: ['*']
  destinations: [{{server: '*', namespace: {name}}}]
  clusterResourceWhitelist: [{{group: '*', kind: '*'}}]
"""
SPLIT = """\
apiVersion: v1
kind: Service
metadata: {name: api, namespace: production}
spec: {selector: {app: api}, ports: [{name: http, port: 80, targetPort: 3000}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: api, namespace: production}
spec:
  host: api
  subsets: [{name: stable, labels: {app: api}}, {name: canary, labels: {app: api}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: api, namespace: production}
spec:
  hosts: [api]
  http:
  - route:
    - {destination: {host: api, subset: stable}, weight: 100}
    - {destination: {host: api, subset: canary}, weight: 0}
"""


class Edit(NamedTuple):
    """One text in place of another in a file; a file that was not there has no `old`."""

    why: str
    file: str
    old: str
    new: str


def brief() -> dict[str, str]:
    """To the letter."""
    return {name: _at(files("tidegate.demo") / "brief", name).read_text() for name in BRIEF}


def edits(url: str, signs: bool = True) -> tuple[Edit, ...]:
    """`url` is where the repository is read from; `signs` where there is something to sign reverts with."""
    how = "with a key out of a Secret" if signs else "not here: there is no ssh-keygen"
    return (
        *(
            Edit("the repository is on this machine", file, THEIRS, url)
            for file in (ROOT, PRODUCTION, STAGING)
        ),
        Edit(
            "both Applications name projects, so these must be",
            "apps/projects.yaml",
            "",
            "---\n".join(PROJECT.format(name=name) for name in ("production", "staging")),
        ),
        Edit("namespaces come first", "apps/namespaces.yaml", "", NAMESPACES),
        Edit(
            "overrides need a kustomization; it lists the Rollout and not the Deployment of the same name, "
            "whose pods the same selector would match",
            KUSTOMIZATION,
            "",
            LISTED,
        ),
        Edit(
            "the Service, DestinationRule and VirtualService that the Rollout takes for granted",
            MESH,
            "",
            SPLIT,
        ),
        Edit(
            "the overrides go by this name of the image", ROLLOUT, "myregistry/api:v2.1.0", f"{IMAGE}:v2.1.0"
        ),
        Edit("the brief's rollback fragment, merged", PRODUCTION, BY_HAND, ROLLBACK),
        Edit(f"a revert is signed, {how}", PRODUCTION, RETRIES, RETRIES + (SIGNED if signs else UNSIGNED)),
        Edit(
            "its manifests name production, where another Application is at home: staging gets its own",
            STAGING,
            ABROAD,
            AT_HOME,
        ),
        *_faster(),
    )


def _faster() -> Iterator[Edit]:
    why = "durations are shortened, nothing else: steps, weights, limit and replicas are the brief's"
    yield Edit(why, ROLLOUT, "duration: 5m", f"duration: {HOLD}s")
    yield Edit(why, ROLLOUT, "duration: 10m", f"duration: {HOLD}s")
    yield Edit(why, ROLLOUT, "interval: 30s", f"interval: {LOOK}s")
    delays = "      abortScaleDownDelaySeconds: 5\n      scaleDownDelaySeconds: 5\n"
    yield Edit(why, ROLLOUT, "    canary:\n", f"    canary:\n{delays}")


def edited(before: Files, edits: tuple[Edit, ...]) -> dict[str, str]:
    """Raises ValueError where an edit finds nothing to edit."""
    made = dict(before)
    for edit in edits:
        if bool(edit.old) != (edit.file in made) or edit.old not in made.get(edit.file, ""):
            raise ValueError(f"{edit.file} has no {edit.old!r}")
        made[edit.file] = made[edit.file].replace(edit.old, edit.new, 1) if edit.old else edit.new
    return made


def told(edits: tuple[Edit, ...]) -> Iterator[str]:
    """A reason, then file and lines; what is new is told by its name alone."""
    last = ""
    for edit in edits:
        if edit.why != last:
            yield f"  {edit.why}:"
        last = edit.why
        yield from (f"      {line}" for line in _lines(edit))


def _lines(edit: Edit) -> Iterator[str]:
    if not edit.old:
        yield f"{edit.file} is new"
        return
    old, new = edit.old.strip("\n").splitlines(), edit.new.strip("\n").splitlines()
    if len(old) == len(new) == 1:
        yield f"{edit.file}: {old[0]} → {new[0]}"
        return
    yield edit.file
    yield from (f"  {line}" for line in difflib.ndiff(old, new) if line[0] in "+-")


def _at(folder: Traversable, name: str) -> Traversable:
    for part in name.split("/"):
        folder = folder / part
    return folder
