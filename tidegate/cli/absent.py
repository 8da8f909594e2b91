"""What Argo's command lines have and this one has not, each with the way to get there all the same."""

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

IN_GIT = "what an Application is stands in Git: change it there"
OF_APPS = {
    "create": f"{IN_GIT}, or kubectl apply -f FILE",
    "set": f"{IN_GIT}, or kubectl edit application NAME",
    "unset": f"{IN_GIT}, or kubectl edit application NAME",
    "edit": f"{IN_GIT}, or kubectl edit application NAME",
    "patch": f"{IN_GIT}, or kubectl patch application NAME --type merge -p PATCH",
    "delete": "kubectl deletes them: kubectl delete application NAME. With Argo's finalizer its objects go"
    " too",
    "rollback": "revert the commit in Git, and what was before is back in seconds, without its steps:"
    " git revert COMMIT; git push. What was deployed when: tidegate app history NAME",
    "terminate-op": "a sync is ended by a word in its status: kubectl patch application NAME --type merge"
    ' -p \'{"status":{"operationState":{"phase":"Terminating"}}}\'',
    "manifests": "what Git declares and the cluster has not: tidegate app diff NAME",
    "resources": "the objects of an Application: tidegate app get NAME",
    "logs": "kubectl has them: kubectl logs -l app=NAME",
}


def instead(said: Sequence[str]) -> str:
    """What to do instead of these words, flags left out; "" where they are not of an absent command."""
    verb, what, *_ = (*said, "", "")
    if verb in ("get", "list", "retry", "terminate") and what in EXPERIMENTS:
        return NO_EXPERIMENTS
    if verb == "app":
        return OF_APPS.get(what, "")
    return INSTEAD.get(verb, "")
