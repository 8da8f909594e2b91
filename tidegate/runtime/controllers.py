"""What we control: the planner of every kind. Go to a planner to see what is written and why."""

from __future__ import annotations

from crds.refs import ANALYSIS_RUN, APPLICATION, DESTINATION_RULE, ROLLOUT, SERVICE, Kind
from tidegate.planners import analysisrun
from tidegate.planners.application import ApplicationPlanner
from tidegate.planners.managed import ManagedPlanner
from tidegate.planners.rollout import RolloutPlanner
from tidegate.planners.settings import Settings
from tidegate.runtime.reconcile import Planner


def controllers(settings: Settings, applications: str = "") -> dict[Kind, Planner]:
    """The registry, for a controller in these surroundings; `applications` is the namespace of those."""
    planner = ApplicationPlanner(applications, settings)
    synced: dict[Kind, Planner] = {APPLICATION: planner} if applications else {}
    return synced | {
        ROLLOUT: RolloutPlanner(settings),
        ANALYSIS_RUN: analysisrun,
        SERVICE: ManagedPlanner(SERVICE),
        DESTINATION_RULE: ManagedPlanner(DESTINATION_RULE),
    }
