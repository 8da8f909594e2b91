"""Git as the controller sees it: heads, history, what a revision declares; and, apart from that, a revert.

Read in this order: repositories.py (what is asked), mirror.py (where it is kept), render.py (what it says);
then writer.py, the one way into somebody's branch.
"""
