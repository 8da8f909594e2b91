"""The composition root: `tidegate controller` runs the engine, `simulate` plays it, else the command line."""

from __future__ import annotations

import sys

ABOUT = """\
tidegate controller ...    run the engine; tidegate controller -h tells its flags
tidegate simulate FILE     what a Rollout would do, before it is merged
tidegate demo              good and bad releases on this machine, with a real Git and kubectl
tidegate COMMAND ...       the same as kubectl argo rollouts COMMAND:

"""


def main() -> int:
    """The process's exit code. Only the controller pays for the controller's imports."""
    words = sys.argv[1:]
    if words in ([], ["help"], ["-h"], ["--help"]):
        sys.stdout.write(ABOUT)
        sys.stdout.flush()
    if words[:1] == ["simulate"]:
        from tidegate.simulate.command import simulate

        return simulate(words[1:])
    if words[:1] == ["demo"]:
        from tidegate.demo.command import demo

        return demo(words[1:])
    if words[:1] != ["controller"]:
        from tidegate.cli.main import run

        return run(words, program="tidegate")
    from tidegate.kube.config import ConfigError
    from tidegate.runtime.run import controller

    try:
        return controller(words[1:])
    except ConfigError as problem:
        sys.stderr.write(f"tidegate controller: {problem}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
