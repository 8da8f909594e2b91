"""`python -m tests.lab VERB`: build, up, down, status, run -- CMD, enter -- CMD."""

from __future__ import annotations

import argparse
import subprocess
import sys

from tests.lab import build, places, session
from tests.lab.parts import Failed
from tests.lab.state import NoCluster, read_state
from tests.lab.waiting import Late


def main(words: list[str]) -> int:
    known, command = split(words)
    options = parser().parse_args(known)
    try:
        return VERBS[options.verb](options, command)
    except subprocess.CalledProcessError as error:
        print(f"lab: {error}\n{error.stderr or ''}", file=sys.stderr)
        return 70
    except KeyboardInterrupt:
        return 130
    except (build.Missing, Failed, Late, NoCluster, session.Unknown) as problem:
        print(f"lab: {problem}", file=sys.stderr)
        return 70


def split(words: list[str]) -> tuple[list[str], list[str]]:
    """What is ours, and the guest's command after `--`."""
    where = words.index("--") if "--" in words else len(words)
    return words[:where], words[where + 1 :]


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--keep", action="store_true", help="leave the lab's folder, with all logs, behind")
    parser.add_argument("--lab", help="which running lab, when there are several")
    return parser


def build_verb(options: argparse.Namespace, command: list[str]) -> int:
    build.build()
    print(f"lab: ready in {places.cache()}")
    return 0


def run_verb(options: argparse.Namespace, command: list[str]) -> int:
    if not command:
        print("lab: say what to run: python -m tests.lab run -- CMD ...", file=sys.stderr)
        return 64
    build.build()
    return session.run(command, options.keep)


def up_verb(options: argparse.Namespace, command: list[str]) -> int:
    build.build()
    state = session.up(options.keep)
    print(
        f"lab: up, in {state.folder}\n"
        "  look around: python -m tests.lab enter -- bash\n"
        "  end:         python -m tests.lab down"
    )
    return 0


def down_verb(options: argparse.Namespace, command: list[str]) -> int:
    ended = session.down(options.lab)
    print(f"lab: ended {', '.join(ended) or 'nothing'}")
    return 0


def status_verb(options: argparse.Namespace, command: list[str]) -> int:
    places.reap()
    for folder in places.running():
        ready = (folder / "ready").exists()
        parts = ", ".join(read_state(folder / "state.json").parts) if ready else "coming up"
        print(f"{folder.name}: {parts}; logs in {folder / 'logs'}")
    return 0


def enter_verb(options: argparse.Namespace, command: list[str]) -> int:
    return session.enter(command or ["bash"], options.lab)


VERBS = {
    "build": build_verb,
    "run": run_verb,
    "up": up_verb,
    "down": down_verb,
    "status": status_verb,
    "enter": enter_verb,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
