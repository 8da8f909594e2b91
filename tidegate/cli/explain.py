"""What the API server refused, in words that say what to do next."""

from __future__ import annotations

from tidegate.kube import errors


def explained(problem: errors.KubeError, namespace: str, crds: str = "crds/") -> str:
    """What went wrong, and what to do next; `crds` holds the definitions of what was asked for."""
    where = f"in namespace {namespace!r}"
    match problem:
        case errors.NotFound(kind_missing=True):
            return f"this cluster serves no such kind ({problem}). Install it with: kubectl apply -f {crds}"
        case errors.NotFound():
            kind = problem.details.get("kind", "rollouts")
            name = problem.details.get("name", "")
            return (
                f"no {kind} named {name!r} {where}. See those that are there: kubectl get {kind}"
                f" -n {namespace}; or in all namespaces: kubectl get {kind} -A"
            )
        case errors.Forbidden():
            return f"not allowed {where}: {problem}. Ask for that verb in a Role, or choose another --context"
        case errors.Unauthorized():
            return "the API server does not take our credentials. Log in again, or choose another --context"
        case errors.Stranger():
            return (
                f"{problem}. See whether the context is right, and what stands between: kubectl cluster-info"
            )
        case errors.Unreachable():
            look = "See whether the cluster is up and the context right: kubectl cluster-info"
            return f"no answer from {problem}. {look}"
        case _:
            return str(problem)
