"""Answers to what an Application's planner needs, for the controller and for `app diff` alike."""
