"""The Applications the tests of the language start from: the brief's own."""

from __future__ import annotations

from typing import Any

import yaml

ROOT = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: root, namespace: argocd}
spec:
  project: default
  source:
    repoURL: https://github.com/myorg/infrastructure
    targetRevision: main
    path: apps
  destination: {server: https://kubernetes.default.svc, namespace: argocd}
  syncPolicy:
    automated: {prune: true, selfHeal: true}
    syncOptions:
    - CreateNamespace=true
"""
PRODUCTION = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: api-prod, namespace: argocd}
spec:
  project: production
  source:
    repoURL: https://github.com/myorg/infrastructure
    targetRevision: main
    path: services/api
    kustomize:
      images:
      - name: myregistry.azurecr.io/api
        newTag: v2.1.0
  destination: {server: https://kubernetes.default.svc, namespace: production}
  syncPolicy:
    syncOptions:
    - CreateNamespace=true
  info:
  - name: Documentation
    value: 'https://wiki.company.com/api-deployment'
"""
ROLLBACK = """
spec:
  syncPolicy:
    automated: {prune: true, selfHeal: true}
  health:
    resources:
    - {name: api, kind: Deployment, timeout: 5m, healthLevel: Progressing}
  rollback: {enabled: true, onHealthFailure: true, maxRetries: 3}
"""
DRIFT = """
spec:
  revisionHistoryLimit: 10
  ignoreDifferences:
  - group: apps
    kind: Deployment
    jsonPointers: [/spec/replicas]
  - group: ''
    kind: Service
    jsonPointers: [/spec/clusterIP]
  notifications:
  - name: slack
    destination: '#deployments'
    on: OutOfSync
"""


def merged(base: Any, over: Any) -> Any:
    """As `kubectl patch --type merge` does it."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return base | {key: merged(base.get(key), value) for key, value in over.items()}


def brief(name: str, *fragments: str) -> dict[str, Any]:
    """A fresh copy of one of the texts above, with fragments merged into it."""
    raw: Any = {}
    for text in (name, *fragments):
        raw = merged(raw, sent(yaml.safe_load(text)))
    return dict(raw)


def sent(tree: Any) -> Any:
    """As kubectl sends it: every key is text, and YAML 1.1 reads `on` as true."""
    if isinstance(tree, dict):
        return {str(key).lower() if key is True else key: sent(value) for key, value in tree.items()}
    return [sent(item) for item in tree] if isinstance(tree, list) else tree
