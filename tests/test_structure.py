"""Tests of structure that .ci/lint does not check: size limits, and the modules that an import may load."""

import ast
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from speakkit.errors import ExitCode

REPOSITORY = Path(__file__).parent.parent
MODULES = sorted((REPOSITORY / "speakkit").rglob("*.py"))
HEAVY = {
    *("torch", "kokoro", "misaki", "spacy", "transformers", "faster_whisper", "ctranslate2", "onnxruntime", "onnx"),
    *("google", "requests", "sounddevice", "soundfile", "numpy", "huggingface_hub"),
}


def functions():
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield module, node


def test_modules_and_functions_are_small():
    """A module has at most 400 lines and a function at most 60, with a median of at most 10."""
    assert {str(m): n for m in MODULES if (n := len(m.read_text().splitlines())) > 400} == {}
    lengths = {f"{module.name}:{f.name}": f.end_lineno - f.lineno + 1 for module, f in functions()}
    assert {name: n for name, n in lengths.items() if n > 60} == {}
    assert statistics.median(lengths.values()) <= 10


def test_no_group_is_repeated_possessively():
    """Patterns have (?>(?:...)*) instead of (?:...)*+, after which Python before 3.11.5 is at the wrong character.

    See issue 106052 of CPython.
    """
    possessive = re.compile(r"\)(?:[*+?]|\{[0-9,{}]+\})\+")
    found = [
        f"{m.name}:{n}"
        for m in MODULES
        for n, line in enumerate(m.read_text().splitlines(), 1)
        if possessive.search(line)
    ]
    assert found == []


def test_every_parameter_is_annotated():
    """Every parameter except self and cls is annotated."""
    bare = [
        f"{module.name}:{function.name}:{argument.arg}"
        for module, function in functions()
        for argument in [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        if argument.annotation is None and argument.arg not in ("self", "cls")
    ]
    assert bare == []


def test_broad_excepts_stand_where_they_may():
    """Broad excepts occur only in the error handler, around C callbacks, and around single items or requests."""
    lines = [(module.name, line) for module in MODULES for line in module.read_text().splitlines()]
    broad = [name for name, line in lines if re.search(r"except (Base)?Exception|except:", line)]
    assert sorted(broad) == [
        *("attempt.py", "audiofile.py", "child.py", "doctor.py", "error_handler.py", "server.py", "server.py")
    ]


@pytest.mark.parametrize("module", ["speakkit", "speakkit.cli.app", "speakkit.cli.speak"])
def test_starting_up_loads_nothing_heavy(module):
    """Importing the commands in a fresh interpreter loads no heavy package."""
    code = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert {name.split(".")[0] for name in loaded}.isdisjoint(HEAVY)


def test_readme_names_every_exit_code():
    """The README's table lists the codes of `ExitCode`."""
    rows = re.findall(r"^\| (\d+) \| ", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    assert [int(code) for code in rows] == sorted(ExitCode)


def test_ci_runs_what_the_readme_says():
    """CI runs the README's second command, with .ci/lint between its two halves and pytest last."""
    assert "pip install '.[dev]' && pytest\n" in (REPOSITORY / "README.md").read_text()
    assert (REPOSITORY / ".ci" / "run").read_text().endswith("\npip install --quiet '.[dev]' && .ci/lint && pytest\n")


TOOLS = ["ruff check", "ruff format --check", "lint-imports --no-cache", "mypy"]

STUB = """#!/bin/sh
set -- "$(basename "$0")" "$@"
echo "$*"
test "$*" != "$FAULTY"
"""


@pytest.mark.parametrize("faulty", [*TOOLS, "none"])
def test_lint_ends_with_the_first_fault(faulty, tmp_path):
    """.ci/lint stops at the first tool that fails; without a fault it runs all tools and exits with 0."""
    for name in {tool.split()[0] for tool in TOOLS}:
        (tmp_path / name).write_text(STUB)
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FAULTY": faulty}
    ended = subprocess.run([REPOSITORY / ".ci" / "lint"], env=environment, capture_output=True, text=True, check=False)
    ran = ended.stdout.splitlines()
    assert ran == (TOOLS[: TOOLS.index(faulty) + 1] if faulty in TOOLS else TOOLS)
    assert (ended.returncode == 0) == (faulty == "none")
