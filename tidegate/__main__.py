"""The composition root: `tidegate controller` runs the engine, `simulate` plays it, else the command line."""

from __future__ import annotations

import sys

from tidegate.cli.streams import INTERRUPTED, opened

BESIDE = {
    "controller": "run the engine",
    "simulate": "tell what a rollout would do, before it is merged",
    "demo": "play good and bad releases on this machine, with a real Git and kubectl",
}


def main() -> int:
    """The process's exit code."""
    opened()
    words = sys.argv[1:]
    if words[:1] == ["help"] and words[1:2] and words[1] in BESIDE:
        words = [words[1], "-h"]
    try:
        return _obeyed(words)
    except KeyboardInterrupt:
        return INTERRUPTED


def _obeyed(words: list[str]) -> int:
    """Only the controller pays for the controller's imports."""
    if words[:1] == ["simulate"]:
        from tidegate.simulate.command import simulate

        return simulate(words[1:])
    if words[:1] == ["demo"]:
        from tidegate.demo.command import demo

        return demo(words[1:])
    if words[:1] != ["controller"]:
        from tidegate.cli.main import run

        return run(words, program="tidegate", beside=BESIDE)
    from tidegate.kube.config import ConfigError
    from tidegate.runtime.run import controller

    try:
        return controller(words[1:])
    except ConfigError as problem:
        sys.stderr.write(f"tidegate controller: {problem}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
