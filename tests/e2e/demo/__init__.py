"""`make demo-lab`: releases out of Git on a real control plane and mesh, told as they happen, then proved.

`story` acts, `witness` observes without us, `timeline` tells it; `facts`, `in_git` and `figures` judge it.
"""
