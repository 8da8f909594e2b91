"""What Argo Rollouts' plugin has and this one has not, each with the way to get there all the same."""

from __future__ import annotations

from collections.abc import Sequence

EXPERIMENTS = ("experiment", "experiments", "exp")
INSTEAD = {
    "create": "kubectl makes them: kubectl create -f FILE. To judge a release once more, copy the spec of"
    " kubectl get analysisrun NAME -o yaml",
    "delete": "kubectl deletes them: kubectl delete rollout NAME",
    "dashboard": "there is no dashboard yet. On a terminal: kubectl argo rollouts get rollout NAME --watch,"
    " or for all: kubectl argo rollouts list rollouts -A --watch",
    "notifications": "notifications are not sent yet. What happens is told in Events:"
    " kubectl get events --field-selector involvedObject.kind=Rollout",
}
NO_EXPERIMENTS = (
    "experiments are not run here: leave them to Argo Rollouts (docs/support.md)."
    " Their objects: kubectl get experiments"
)


def instead(said: Sequence[str]) -> str:
    """What to do instead of these words, flags left out; "" where they are not of an absent command."""
    verb, what, *_ = (*said, "", "")
    if verb in ("get", "list", "retry", "terminate") and what in EXPERIMENTS:
        return NO_EXPERIMENTS
    return INSTEAD.get(verb, "")
