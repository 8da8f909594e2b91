"""What a shell offers on TAB: scripts, and answers to kubectl, written from the grammar's own tree.

The scripts complete `kubectl-argo-rollouts`. For `kubectl argo rollouts`, kubectl runs a program named
`kubectl_complete-argo-rollouts` with the words so far; three lines of shell let it be us.
"""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Callable, Iterable, Iterator

import msgspec

PROGRAM = "kubectl-argo-rollouts"
NAME = "NAME"  # what the grammar calls a Rollout's
NO_FILES, FILES = ":4", ":0"  # how cobra, which kubectl is made with, says whether files may follow


class Place(msgspec.Struct, frozen=True):
    """Somewhere in a line: the commands said so far, in every spelling, and what may follow with its help.

    `named` where names of Rollouts may follow.
    """

    spelled: tuple[tuple[str, ...], ...]
    commands: dict[str, str]
    flags: dict[str, str]
    named: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        return (*self.commands, *self.flags)


def places(parser: ArgumentParser, spelled: tuple[tuple[str, ...], ...] = ((),)) -> Iterator[Place]:
    """The whole tree below a parser, itself first."""
    below = [action for action in parser._actions if isinstance(action, _SubParsersAction)]
    helps = {one.dest: one.help or "" for action in below for one in action._choices_actions}
    flags = {
        flag: action.help or ""
        for action in parser._actions
        for flag in action.option_strings
        if flag.startswith("--") and action.help != SUPPRESS
    }
    children = {id(child): child for action in below for child in action.choices.values()}
    named = any(action.metavar == NAME and not action.option_strings for action in parser._actions)
    yield Place(spelled, helps, flags, named)
    for child in children.values():
        names = [name for action in below for name, one in action.choices.items() if one is child]
        yield from places(child, tuple((*path, name) for path in spelled for name in names))


def answer(parser: ArgumentParser, words: list[str], rollouts: Callable[[], Iterable[str]]) -> str:
    """The words that may stand last in this line, with their help, as kubectl wants to be told."""
    *said, begun = words or [""]
    known = {spelling: place for place in places(parser) for spelling in place.spelled}
    here: tuple[str, ...] = ()
    for word in said:
        here = (*here, word) if (*here, word) in known else here
    place = known[here]
    offered = place.flags if begun.startswith("-") else place.commands
    if place.named and not begun.startswith("-"):
        offered = dict.fromkeys(rollouts(), "")
    fitting = [f"{word}\t{text}".rstrip() for word, text in offered.items() if word.startswith(begun)]
    return "\n".join([*fitting, FILES if here == ("lint",) else NO_FILES])


def completion(parser: ArgumentParser, asked: Namespace) -> None:
    """Print the script for a shell."""
    print(SHELLS[asked.shell](tuple(places(parser))), end="")


def bash(tree: tuple[Place, ...]) -> str:
    return f"""{_advice("~/.bashrc", f"source <({PROGRAM} completion bash)")}
_kubectl_argo_rollouts() {{
    local place="" word words=()
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
{_walk(tree)}
    done
    case "$place" in
{_cases(tree, "words=({})")}
    esac
    [[ "$place" == " lint" ]] && compopt -o default
    COMPREPLY=($(compgen -W "${{words[*]}}" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -F _kubectl_argo_rollouts {PROGRAM}
"""


def zsh(tree: tuple[Place, ...]) -> str:
    return f"""#compdef {PROGRAM}
{_advice("~/.zshrc, after compinit", f"source <({PROGRAM} completion zsh)")}
_kubectl_argo_rollouts() {{
    local place="" word
    for word in "${{(@)words[2,CURRENT-1]}}"; do
{_walk(tree)}
    done
    case "$place" in
{_cases(tree, "compadd -- {}")}
    esac
    [[ "$place" == " lint" ]] && _files
}}
compdef _kubectl_argo_rollouts {PROGRAM}
"""


def fish(tree: tuple[Place, ...]) -> str:
    rules = "".join(f"{rule}\n" for place in tree for rule in _rules(place))
    where = "~/.config/fish/config.fish"
    return f"""{_advice(where, f"{PROGRAM} completion fish | source")}
complete -c {PROGRAM} -f
{rules}complete -c {PROGRAM} -n '__fish_seen_subcommand_from lint' -F
"""


def _rules(place: Place) -> Iterator[str]:
    """One for each word, where the commands before it were said and none of those that may follow."""
    ways = [set(words) for words in zip(*place.spelled, strict=True)]
    here = [f"__fish_seen_subcommand_from {' '.join(sorted(words))}" for words in ways]
    none = [f"not __fish_seen_subcommand_from {' '.join(place.commands)}"] if place.commands else []
    condition = "; and ".join(here + none) or "true"
    for word, text in place.commands.items():
        yield f"complete -c {PROGRAM} -n {_quoted(condition)} -a {word} -d {_quoted(text)}"
    for flag, text in place.flags.items():
        yield f"complete -c {PROGRAM} -n {_quoted(condition)} -l {flag.removeprefix('--')} -d {_quoted(text)}"


def _walk(tree: tuple[Place, ...]) -> str:
    """The case that goes one command further, and past any other word."""
    spelled = sorted({" ".join(("", *path)) for place in tree for path in place.spelled if path})
    patterns = "|".join(f'"{one}"' for one in spelled)
    return f"""        case "$place $word" in
            {patterns}) place="$place $word" ;;
        esac"""


def _cases(tree: tuple[Place, ...], offer: str) -> str:
    return "\n".join(f"        {_pattern(place)}) {offer.format(' '.join(place.words))} ;;" for place in tree)


def _pattern(place: Place) -> str:
    return "|".join(f'"{"".join(f" {word}" for word in path)}"' for path in place.spelled)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'"


def _advice(where: str, line: str) -> str:
    return f"""# Completion of {PROGRAM}. In {where}: {line}
# For `kubectl argo rollouts`, put a file kubectl_complete-argo-rollouts on the PATH, executable:
#   #!/bin/sh
#   exec {PROGRAM} __complete "$@\""""


SHELLS: dict[str, Callable[[tuple[Place, ...]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
