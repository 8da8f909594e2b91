"""What is read of a Rollout once, and what anew."""

from __future__ import annotations

from typing import Any

import yaml

from crds.paths import put
from tests.e2e.scene import BRIEF
from tidegate.planners.rollout_held import Held
from tidegate.planners.rollout_reading import KEPT, Reader
from tidegate.planners.rollout_world import Given

Raw = dict[str, Any]


def brief(uid: str = "u1") -> Raw:
    raw: Raw = put(yaml.safe_load(BRIEF.read_text()), ("metadata", "uid"), uid)
    return raw


def given(reader: Reader, raw: Raw) -> Given:
    here = reader.read(raw)
    assert isinstance(here, Given)
    return here


def test_a_new_status_is_read_and_the_spec_is_not_read_again() -> None:
    reader = Reader()
    first = given(reader, brief())
    later = given(reader, put(brief(), ("status", "currentStepIndex"), 3))
    assert later.rollout.status.current_step_index == 3
    assert later.rollout.spec is first.rollout.spec


def test_new_annotations_are_read() -> None:
    reader = Reader()
    given(reader, brief())
    assert given(reader, put(brief(), ("metadata", "annotations"), {"a": "b"})).rollout.metadata.annotations


def test_a_changed_template_gets_its_own_hash_and_so_does_a_collision() -> None:
    reader = Reader()
    changed = put(brief(), ("spec", "template", "metadata", "labels", "new"), "label")
    collided = put(brief(), ("status", "collisionCount"), 1)
    assert len({given(reader, raw).pod_hash for raw in (brief(), changed, collided)}) == 3


def test_a_mended_spec_is_no_longer_held() -> None:
    reader = Reader()
    assert isinstance(reader.read(put(brief(), ("spec", "replicas"), "three")), Held)
    given(reader, brief())


def test_more_rollouts_than_are_kept_are_read_all_the_same() -> None:
    reader = Reader()
    first, other = given(reader, brief()), brief("other")
    for number in range(KEPT):
        reader.read(put(other, ("metadata", "uid"), str(number)))
    assert given(reader, brief()) == first
