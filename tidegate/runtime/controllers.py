"""What we control: the planner of every kind. Go to a planner to see what is written and why."""

from __future__ import annotations

from crds.refs import ANALYSIS_RUN, DESTINATION_RULE, ROLLOUT, SERVICE, Kind
from tidegate.planners import analysisrun
from tidegate.planners.managed import ManagedPlanner
from tidegate.planners.rollout import RolloutPlanner
from tidegate.planners.settings import Settings
from tidegate.runtime.reconcile import Planner


def controllers(settings: Settings) -> dict[Kind, Planner]:
    """The registry, for a controller in these surroundings."""
    return {
        ROLLOUT: RolloutPlanner(settings),
        ANALYSIS_RUN: analysisrun,
        SERVICE: ManagedPlanner(SERVICE),
        DESTINATION_RULE: ManagedPlanner(DESTINATION_RULE),
    }
