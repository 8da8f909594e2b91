"""canaryMetadata and stableMetadata on the real control plane: pods change their part and live on."""

from __future__ import annotations

import pytest

from tests.e2e.scene import Raw, Scene, path, quick
from tests.lab.waiting import until

pytestmark = pytest.mark.lab


def with_parts(manifest: Raw) -> None:
    quick(manifest)
    canary = manifest["spec"]["strategy"]["canary"]
    for routed in ("trafficRouting", "analysis", "scaleDownDelaySeconds", "abortScaleDownDelaySeconds"):
        del canary[routed]
    canary["canaryMetadata"] = {"labels": {"part": "canary"}}
    canary["stableMetadata"] = {"labels": {"part": "stable"}}


def pods(scene: Scene) -> dict[str, str]:
    """Which part each pod that is not going carries, by uid."""
    found = scene.kube.get(path("pods", group="v1"), labelSelector="app=api")["items"]
    metas = [one["metadata"] for one in found if "deletionTimestamp" not in one["metadata"]]
    return {meta["uid"]: meta["labels"].get("part", "") for meta in metas}


def test_pods_change_their_part_and_none_is_restarted(scene: Scene) -> None:
    scene.edit = with_parts
    scene.controller()
    scene.release("v1")
    scene.healthy("v1")
    assert set(pods(scene).values()) == {"stable"}
    scene.release("v2")
    scene.at_pause()
    new = [uid for uid, part in pods(scene).items() if part == "canary"]
    assert len(new) == 1
    scene.cli("promote", "api")
    scene.healthy("v2")
    until(lambda: set(pods(scene).values()) == {"stable"}, 30, "every pod to be stable")
    assert set(new) <= set(pods(scene))
