"""What we control: the planner of every kind. Go to a planner to see what is written and why."""

from __future__ import annotations

from crds.refs import ANALYSIS_RUN, APPLICATION, DESTINATION_RULE, ROLLOUT, SERVICE, Kind
from tidegate.planners import analysisrun
from tidegate.planners.application import ApplicationPlanner
from tidegate.planners.managed import ManagedPlanner
from tidegate.planners.rollout import RolloutPlanner
from tidegate.planners.settings import Settings, Site
from tidegate.runtime.reconcile import Planner


def controllers(settings: Settings, site: Site | None = None) -> dict[Kind, Planner]:
    """The registry, for a controller in these surroundings; without a site no Applications are synced."""
    synced: dict[Kind, Planner] = {APPLICATION: ApplicationPlanner(site, settings)} if site else {}
    return synced | {
        ROLLOUT: RolloutPlanner(settings),
        ANALYSIS_RUN: analysisrun,
        SERVICE: ManagedPlanner(SERVICE),
        DESTINATION_RULE: ManagedPlanner(DESTINATION_RULE),
    }
