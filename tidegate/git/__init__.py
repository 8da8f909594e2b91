"""Git as the controller sees it: heads, history, and what a revision declares. Nothing here writes Git.

Read in this order: repositories.py (what is asked), mirror.py (where it is kept), render.py (what it says).
"""
