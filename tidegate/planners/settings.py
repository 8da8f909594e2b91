"""What the controller was told about its surroundings, as values planners may use."""

from __future__ import annotations

import msgspec

from crds.refs import CONFIG_MAP, Ref

FROZEN = "tidegate.dev/frozen"
"""Annotation of the catalogue's ConfigMap: who has frozen what is released, and why."""


class Site(msgspec.Struct, frozen=True):
    """`home` is the namespace whose Applications are synced. `recurse`: whether a directory is read with its
    folders where its source does not say; None: an app of apps alone."""

    home: str
    recurse: bool | None = None


class Settings(msgspec.Struct, frozen=True):
    """`namespace` is the controller's own; the metrics catalogue lies in it. `prometheus` is the address for
    entries that name none."""

    namespace: str = "argo-rollouts"
    prometheus: str = ""
    catalogue: str = "tidegate-metrics"

    @property
    def catalogue_ref(self) -> Ref:
        return Ref(CONFIG_MAP, self.namespace, self.catalogue)
