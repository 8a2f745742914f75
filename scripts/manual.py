"""Generate a manual page from a Typer app: its commands, arguments, options and the examples in its docstrings."""

import inspect
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

import platformdirs
import platformdirs.unix
import roff
import typer
import typer.core
import typer.main
from prose import DESCRIPTIONS, ENVIRONMENT

from speakkit import paths
from speakkit.cli.app import LazyGroup
from speakkit.config import SETTINGS
from speakkit.errors import ExitCode

HOME = "/home/reader"
"""The home directory while the page is generated; paths below it are printed with ~."""


@dataclass(frozen=True)
class Command:
    """A command of an app.

    words: the words that call it, such as ("speakkit", "models", "fetch")
    context: its Typer context
    """

    words: tuple[str, ...]
    context: Any

    @property
    def is_group(self) -> bool:
        """Whether it has subcommands."""
        return isinstance(self.context.command, typer.core.TyperGroup)

    @property
    def paragraphs(self) -> list[str]:
        """The paragraphs of its docstring."""
        return _paragraphs(self.context.command.help or "")

    @property
    def summary(self) -> str:
        """The first paragraph."""
        return " ".join(self.paragraphs[0].split())

    @property
    def prose(self) -> list[str]:
        """The paragraphs that are not examples."""
        return [" ".join(text.split()) for text in self.paragraphs if not self._is_example(text)]

    @property
    def examples(self) -> list[str]:
        """The lines of the paragraphs that are examples."""
        return [line for text in self.paragraphs if self._is_example(text) for line in text.splitlines()]

    @property
    def options(self) -> list[Any]:
        """Its options; those of the first panel of --help come first."""
        found = [option for option in self._parameters if option.param_type_name == "option"]
        return sorted(found, key=lambda option: option.rich_help_panel is not None)

    @property
    def arguments(self) -> list[Any]:
        """Its arguments."""
        return [argument for argument in self._parameters if argument.param_type_name == "argument"]

    @property
    def _parameters(self) -> list[Any]:
        return [given for given in self.context.command.get_params(self.context) if not given.hidden]

    def _is_example(self, text: str) -> bool:
        """Whether a paragraph of its docstring is shell lines: a program of DESCRIPTIONS is in command position."""
        programs = "|".join(DESCRIPTIONS)
        called = re.search(rf"(^|[|;&(]\s*|\bdo\s+)({programs})\b", text, re.MULTILINE)
        return called is not None and text != self.paragraphs[0] and not text.endswith((".", ":"))


def _paragraphs(text: str) -> list[str]:
    return [paragraph for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)) if paragraph]


def commands(program: str, app: typer.Typer) -> list[Command]:
    """Every command of `app`: the app itself first, and each command before its subcommands."""
    return list(_walk((program,), typer.main.get_command(app)))


def _walk(words: tuple[str, ...], found: Any, parent: Any = None) -> Iterator[Command]:
    command = Command(words, typer.Context(found, info_name=words[-1], parent=parent, **found.context_settings))
    yield command
    if command.is_group:
        for name, listed in found.commands.items():
            below = found.load(name) if isinstance(found, LazyGroup) else listed
            if not below.hidden:
                yield from _walk((*words, name), below, command.context)


def manual(program: str, app: typer.Typer, date: str) -> str:
    """The source of the page `program`(1). date: the day of its last change, YYYY-MM-DD."""
    root, *below = commands(program, app)
    others = [other for other in DESCRIPTIONS if other != program]
    return roff.page(
        [
            r".\" Written by scripts/documents.py",
            f'.TH {program.upper()} 1 "{date}" "speakkit {version("speakkit")}" "User Commands"',
            ".nh",  # an option broken at a hyphen cannot be copied
            ".ad l",
            *roff.section("NAME", [rf"{program} \- {roff.escape(_uncapitalized(root.summary).rstrip('.'))}"]),
            *roff.section("SYNOPSIS", [_synopsis(root)]),
            *roff.section("DESCRIPTION", _description(root)),
            *roff.section("OPTIONS", _panels(root)),
            *roff.section("COMMANDS", _commands(below)),
            *roff.section("EXIT STATUS", (line for code in ExitCode for line in _status(code))),
            *roff.section("ENVIRONMENT", _environment()),
            *roff.section("FILES", _files()),
            *roff.section("EXAMPLES", _examples(root, below)),
            *roff.section("SEE ALSO", [", ".join(f"{roff.bold(other)}(1)" for other in others)]),
        ]
    )


def _description(root: Command) -> list[str]:
    """The body of DESCRIPTION: the prose, then the arguments."""
    return [*_prose([*_paragraphs(DESCRIPTIONS[root.words[0]]), *root.prose[1:]], root), *_parameters(root.arguments)]


def _prose(texts: list[str], command: Command) -> list[str]:
    names = [_value(argument) for argument in command.arguments]
    return [line for text in texts for line in roff.paragraph(roff.inline(text, names))]


def _panels(root: Command) -> list[str]:
    """The body of OPTIONS; options of a named panel of --help are under its name."""
    lines: list[str] = []
    panel = None
    for option in root.options:
        if option.rich_help_panel != panel:
            panel = option.rich_help_panel
            lines.append(f".SS {roff.escape(str(panel))}")
        lines += _parameters([option])
    return lines


def _commands(below: list[Command]) -> list[str]:
    """A subsection for each command. The option --help, which all of them have, is described once."""
    lines = roff.paragraph(roff.inline("Every command has --help, which shows what it takes.")) if below else []
    for command in below:
        options = [option for option in command.options if "--help" not in option.opts]
        lines.append(f".SS {roff.escape(' '.join(command.words[1:]))}")
        lines += [] if command.is_group else [_synopsis(command, options=bool(options))]
        lines += [*_prose(command.prose, command), *_parameters([*command.arguments, *options])]
    return lines


def _synopsis(command: Command, *, options: bool = True) -> str:
    """The synopsis of a command, in one line."""
    words = [roff.bold(" ".join(command.words))]
    words += [f"[{roff.italic('OPTION')}]..."] if options else []
    if command.is_group:
        words += [roff.italic("COMMAND"), f"[{roff.italic('ARGUMENT')}]..."]
    for argument in command.arguments:
        name = roff.italic(_value(argument))
        words.append((name if argument.required else f"[{name}]") + ("" if argument.nargs == 1 else "..."))
    return " ".join(words)


def _parameters(parameters: list[Any]) -> list[str]:
    names = [_value(parameter) for parameter in parameters if not getattr(parameter, "is_flag", False)]
    return [line for parameter in parameters for line in roff.item(_tag(parameter), _about(parameter, names))]


def _tag(parameter: Any) -> str:
    """The tag of a parameter, such as `-v, --voice VOICE`, or `TEXT...`."""
    value = roff.italic(_value(parameter)) + ("..." if parameter.nargs != 1 else "")
    if parameter.param_type_name == "argument":
        return value
    names = sorted((*parameter.opts, *parameter.secondary_opts), key=lambda name: name.startswith("--"))
    shown = ", ".join(roff.bold(name) for name in names)
    return shown if parameter.is_flag or parameter.count else f"{shown} {value}"


def _value(parameter: Any) -> str:
    """The placeholder of its value: FILE, N, or the parameter's own name."""
    if parameter.metavar:
        return str(parameter.metavar).strip("[].")
    kind = parameter.type_descriptor
    if kind.is_path or kind.is_file:
        return "FOLDER" if kind.path_type == "dir" else "FILE"
    if kind.annotation in (int, float) and parameter.param_type_name == "option":
        return "N"
    return str(max(parameter.opts, key=len)).lstrip("-").upper()


def _about(parameter: Any, names: list[str]) -> str:
    """Its help text, and its choices, limits, default and environment variable."""
    kind, is_count = parameter.type_descriptor, getattr(parameter, "count", False)
    # Click's help of --help is written for a terminal.
    sentences = [roff.inline(_sentence(parameter.help or "").replace("this message", "the help"), names)]
    if kind.is_choice:
        *most, last = (roff.bold(_shown(choice)) for choice in kind.choices)
        sentences.append(f"One of {', '.join(most)} or {last}." if most else f"{last}.")
    if getattr(parameter, "multiple", False):
        sentences.append("It can be given more than once.")
    if parameter.min is not None and not is_count:
        sentences.append(f"At least {roff.bold(str(parameter.min))}.")
    if parameter.max is not None:
        sentences.append(f"At most {roff.bold(str(parameter.max))}.")
    if parameter.show_default and (default := _default(parameter)):
        sentences.append(f"Default: {roff.bold(default)}.")
    if parameter.envvar:
        variables = [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar
        sentences.append(f"Where it is not given, {' or '.join(map(roff.bold, variables))} is taken.")
    return " ".join(filter(None, sentences))


def _default(parameter: Any) -> str:
    """The default to print, or "" if it is not informative, such as that of a flag that is not set."""
    default = parameter.default
    if isinstance(default, bool):
        return str((parameter.opts if default else parameter.secondary_opts)[0]) if parameter.secondary_opts else ""
    if default is None or callable(default) or default in ("", (), []) or getattr(parameter, "count", False):
        return ""
    return _shown(default)


def _shown(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def _sentence(text: str) -> str:
    """`text` with one full stop, unless it is empty or ends with another mark."""
    words = " ".join(text.split()).rstrip(".")
    return words if not words or words.endswith(("!", "?")) else f"{words}."


def _uncapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]


def _status(code: ExitCode) -> list[str]:
    return roff.item(roff.bold(str(code.value)), roff.inline(_sentence(code.about[:1].upper() + code.about[1:])))


def _environment() -> list[str]:
    settings = {row.variable: _sentence(row.about[:1].upper() + row.about[1:]) for row in SETTINGS}
    rows = sorted((settings | ENVIRONMENT).items(), key=lambda row: (not row[0].startswith("SPEAKKIT_"), row[0]))
    return [line for name, about in rows for line in roff.item(roff.bold(name), roff.inline(about))]


def _files() -> list[str]:
    """Every path of `speakkit.paths` except the package's own, at its default place."""
    lines: list[str] = []
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "SPEAKKIT_"))}
    with (
        mock.patch.dict(os.environ, bare | {"HOME": HOME}, clear=True),
        mock.patch.object(platformdirs, "PlatformDirs", platformdirs.unix.Unix),
    ):
        for name, function in inspect.getmembers(paths, inspect.isfunction):
            if name.startswith("_") or function.__module__ != paths.__name__ or inspect.signature(function).parameters:
                continue
            place = Path(function())
            if place.is_relative_to(HOME):
                about = _paragraphs(function.__doc__ or "")[0]
                lines += roff.item(roff.italic(f"~/{place.relative_to(HOME)}"), roff.inline(_sentence(about)))
    return lines


def _examples(root: Command, below: list[Command]) -> list[str]:
    """The body of EXAMPLES; the examples of a subcommand have its summary as caption."""
    lines = roff.example(root.examples) if root.examples else []
    for command in below:
        if command.examples:
            caption = roff.inline(command.summary.split(". ")[0].rstrip("."), map(_value, command.arguments))
            lines += [*roff.paragraph(f"{caption}:"), *roff.example(command.examples)]
    return lines
