"""Tests of the manual pages: they match the apps and the generator's output, and formatters report no warnings."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import typer.core
import typer.main

from speakkit import paths
from speakkit.cli import app, speak
from speakkit.cli.app import LazyGroup
from speakkit.errors import ExitCode

REPOSITORY = Path(__file__).parent.parent
PAGES = {"speak": speak.app, "speakkit": app.app}
GENERATOR = REPOSITORY / "scripts" / "documents.py"


def rendered(program, width=80):
    """Return the page as `man` shows it, `width` columns wide; skips the test if man is not installed."""
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    environment = os.environ | {"MANWIDTH": str(width), "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""}
    page = REPOSITORY / "man" / f"{program}.1"
    shown = subprocess.run(["man", "-l", page], env=environment, capture_output=True, text=True, check=True).stdout
    return re.sub(r"\x1b\[[0-9;]*m|.\x08", "", shown)


def section(page, title):
    """Return the text below a heading, up to the next heading."""
    return re.search(rf"^{title}\n(.*?)^(?=\S)", page, re.MULTILINE | re.DOTALL)[1]


def below(name, command, parent=None):
    """Yield each visible command as its full name and its context."""
    context = typer.Context(command, info_name=name, parent=parent, **command.context_settings)
    yield context.command_path, context
    if isinstance(command, typer.core.TyperGroup):
        for child, listed in command.commands.items():
            found = command.load(child) if isinstance(command, LazyGroup) else listed
            if not found.hidden:
                yield from below(child, found, context)


def generate(repository, *arguments):
    """Run the generator of the given repository."""
    script = repository / "scripts" / "documents.py"
    return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False)


def test_nothing_is_stale():
    """The generated documents are up to date; if this fails, run `python scripts/documents.py`."""
    checked = generate(REPOSITORY, "--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_what_is_stale_is_named_and_mended(tmp_path):
    """--check names stale, missing and superfluous files, and a run of the generator mends all of them."""
    for folder in ("scripts", "speakkit", "man", "completions"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    module = tmp_path / "speakkit" / "cli" / "models.py"
    module.write_text(module.read_text().replace('"--official"', '"--genuine"'))
    (tmp_path / "completions" / "_speak").unlink()
    (tmp_path / "man" / "spoke.1").touch()
    checked = generate(tmp_path, "--check")
    assert checked.returncode == 1
    assert checked.stdout.split("\n")[:3] == ["completions/_speak", "man/speakkit.1", "man/spoke.1"]
    assert generate(tmp_path).returncode == 0
    assert r"\-\-genuine" in (tmp_path / "man" / "speakkit.1").read_text()
    assert generate(tmp_path, "--check").returncode == 0


@pytest.mark.parametrize("program", PAGES)
@pytest.mark.parametrize(
    "command",
    [
        ("mandoc", "-Tlint"),
        ("groff", "-man", "-ww", "-Tutf8", "-z"),
        ("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"),
    ],
    ids=lambda command: command[0],
)
def test_formatters_do_not_complain(program, command):
    """groff, mandoc and man format the pages without warnings."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    page = REPOSITORY / "man" / f"{program}.1"
    ended = subprocess.run([*command, page], capture_output=True, text=True, check=False)
    said = ended.stderr + (ended.stdout if command[0] == "mandoc" else "")
    assert (ended.returncode, said) == (0, "")


@pytest.mark.parametrize("program", PAGES)
def test_every_command_and_option_is_there(program):
    """The page lists every option under its command; it documents --help only once."""
    page = rendered(program, width=300)
    for path, context in below(program, typer.main.get_command(PAGES[program])):
        words = path.partition(" ")[2]
        found = re.search(rf"^   {words}\n(.*?)^ {{0,3}}(?=\S)", page, re.MULTILINE | re.DOTALL) if words else None
        part = found[1] if found else page
        assert bool(found) == bool(words), f"no subsection {words}"
        for parameter in context.command.get_params(context):
            if getattr(parameter, "hidden", False):
                continue
            names = parameter.opts if parameter.param_type_name == "option" else [parameter.metavar or parameter.name]
            for name in (*names, *parameter.secondary_opts):
                there = page if name in context.help_option_names else part
                assert re.search(rf"(^|\s|\[){re.escape(name)}\b", there, re.IGNORECASE), f"{path}: {name}"


@pytest.mark.parametrize("program", PAGES)
def test_every_exit_code_is_explained(program):
    """The page lists every exit code with its description from errors.py."""
    status = " ".join(section(rendered(program), "EXIT STATUS").split())
    for code in ExitCode:
        assert f"{code.value} {code.about}.".replace("`", "").lower() in status.lower()


def test_readme_and_help_explain_the_same_exit_codes(command):
    """README.md and --help describe each exit code with the text of `ExitCode`."""
    readme = dict(re.findall(r"^\| (\d+) \| (.*) \|$", (REPOSITORY / "README.md").read_text(), re.MULTILINE))
    shown = " ".join(subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout.split())
    for code in ExitCode:
        assert readme[str(code.value)].startswith(code.about)
        assert f"{code.value} {code.about}" in shown


def test_every_variable_is_named():
    """The page lists every environment variable that the package reads."""
    read = {
        name
        for module in (REPOSITORY / "speakkit").rglob("*.py")
        for name in re.findall(r"environ(?:\.get\(|\[)\"(\w+)\"", module.read_text())
    }
    assert "SPEAKKIT_HOME" in read
    environment = section(rendered("speak"), "ENVIRONMENT")
    assert {name for name in read if name not in environment} == set()


def test_files_are_those_of_a_reader():
    """The page shows paths with ~ and not those of the machine that generated it."""
    files = section(rendered("speak"), "FILES")
    assert f"~/.cache/speakkit/{paths.models().name}" in files
    assert f"~/.local/state/speakkit/{paths.log().name}" in files


@pytest.mark.parametrize("program", PAGES)
def test_it_reads_well(program):
    """No line exceeds 80 columns, and no markup of Rich, Python or roff is left over."""
    page = rendered(program)
    assert [line for line in page.splitlines() if len(line) > 80] == []
    for left_over in ("[/", "[bold", "`", "\\", ". .", "<str>", "<bool>", "None", "Device.", "\u2010"):
        assert left_over not in page, left_over
    assert re.findall(r"\w\.\.(?!\.)", page) == []


@pytest.mark.parametrize("program", PAGES)
def test_prose_names_no_option_that_is_gone(program):
    """DESCRIPTION and EXAMPLES mention only options that exist."""
    page = rendered(program)
    known = {
        name
        for _, context in below(program, typer.main.get_command(PAGES[program]))
        for parameter in context.command.get_params(context)
        for name in parameter.opts
    }
    named = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", section(page, "DESCRIPTION") + section(page, "EXAMPLES")))
    assert named - known <= {"-1"}
