"""`tidegate simulate`: what a Rollout would do, in seconds, before it is merged.

The real planners and the real controller work on the sandbox in virtual time. Nothing is asked of a cluster.
"""
