"""Sync options, of the Application and of single objects, whose own word wins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crds.application import Application
from crds.application_status import SyncOperation
from gitops.objects import annotation, words

Raw = dict[str, Any]
OPTIONS = "argocd.argoproj.io/sync-options"
PROPAGATION = {"foreground": "Foreground", "background": "Background", "orphan": "Orphan"}


class Options:
    """What is switched how. An operation brings the options it was started with."""

    def __init__(self, application: Application, sync: SyncOperation) -> None:
        self._said = _pairs((*application.spec.sync_policy.sync_options, *sync.sync_options))

    def on(self, name: str, raw: Raw | None = None) -> bool:
        return self.said(name, raw) == "true"

    def said(self, name: str, raw: Raw | None = None) -> str:
        return _pairs(words(annotation(raw, OPTIONS))).get(name, self._said.get(name, ""))

    @property
    def propagation(self) -> str:
        """As the API server spells it."""
        return PROPAGATION.get(self.said("PrunePropagationPolicy"), "Foreground")


def _pairs(said: Iterable[str]) -> dict[str, str]:
    return {name.strip(): value.strip() for name, _, value in (word.partition("=") for word in said)}
