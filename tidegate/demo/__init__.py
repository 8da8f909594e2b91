"""`tidegate demo`: the brief's repository, a real Git, a real kubectl and the real controller on a sandbox.

No cluster, no Go, no root: the sandbox's API server on loopback, told as it happens and judged at the end.
"""
