"""`tidegate freeze` and `unfreeze`: no reverts and no new canaries while it lasts. Aborts go on."""

from __future__ import annotations

import getpass
from argparse import Namespace

from tidegate.cli.api import Api
from tidegate.planners.settings import FROZEN, Settings

HOME = Settings().namespace


def freeze(api: Api, asked: Namespace) -> None:
    why = f": {asked.reason}" if asked.reason else ""
    api.annotate_settings(FROZEN, f"by {getpass.getuser()}{why}")
    print("frozen: no release is taken back in Git and no canary begins until: tidegate unfreeze")


def unfreeze(api: Api, _asked: Namespace) -> None:
    api.annotate_settings(FROZEN, None)
    print("releases go on")
