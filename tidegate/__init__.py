"""Tidegate lets a release in with the tide and shuts the gate by itself when the water turns."""

VERSION = "0.1.0"
