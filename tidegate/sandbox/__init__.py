"""A Kubernetes-shaped world in one process: a store, and players that do what controllers and nodes do.

It shares nothing with what it tests but `tidegate.kube.http`. What it answers is compared with a real API
server by `tests/contracts`; what it does not know it refuses with 501, naming the feature.
"""
