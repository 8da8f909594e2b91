"""What we control: the planner of every kind. Go to a planner to see what is written and why."""

from __future__ import annotations

from crds.refs import Kind
from tidegate.runtime.reconcile import Planner

CONTROLLERS: dict[Kind, Planner] = {}
