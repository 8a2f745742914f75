"""Tests of the shell completions: TAB is typed in real shells."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest

REPOSITORY = Path(__file__).parent.parent
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")

# Each shell shows all candidates at the first TAB, and prints the current line at C-x C-l.
BASH = r"""
PS1='ready> '
bind 'set show-all-if-ambiguous on'; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'
bind 'set completion-query-items 0'; bind 'set page-completions off'
bind -x '"\C-x\C-l": printf "\nline=[%s]\n" "$READLINE_LINE"'
"""
SCRIPTS = {
    "bash": BASH + '. "$SHARE/bash-completion/completions/speak"; . "$SHARE/bash-completion/completions/speakkit"\n',
    "bash with bash-completion": BASH + f". {BASH_COMPLETION}\n",
    "zsh": r"""
PS1='ready> '
unsetopt beep prompt_sp
fpath=("$SHARE/zsh/site-functions" $fpath)
autoload -Uz compinit; compinit -u -d "$HOME/.zcompdump"
line() { printf '\nline=[%s]\n' "$BUFFER" }
zle -N line; bindkey '^X^L' line
""",
    "fish": r"""
function fish_prompt; printf 'ready> '; end
function fish_greeting; end
set -g fish_autosuggestion_enabled 0
bind \cx\cl 'printf "\nline=[%s]\n" (commandline)'
""",
}
RC = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
PROGRAM = "#!{python}\nfrom speakkit.__main__ import {function}\n\n{function}()\n"
DEMO = """#!{python}
import sys
import typer
from speakkit.cli.error_handler import run

app = typer.Typer(add_completion=False)


def values():
    return [("two words", "it's so: $HOME, `date`, \\"quoted\\" (really)"), ("two:parts", "a; b"), ("plain", "")]


@app.command()
def speak(kind: str = typer.Option("plain", autocompletion=values)) -> None:
    print(kind)


sys.exit(run(app, "speak"))
"""


@dataclass(frozen=True)
class Answer:
    """The screen after a TAB, and the line as completed."""

    screen: str
    line: str


class Shell:
    """An interactive shell in the folder `home`/here."""

    def __init__(self, name, home, environment):
        program = name.split()[0]
        rc = home / RC[program]
        rc.parent.mkdir(parents=True, exist_ok=True)
        rc.write_text(SCRIPTS[name])
        # Without --rcfile, bash would also read the system's file, which loads bash-completion.
        options = {"bash": ["--noprofile", "--rcfile", str(rc), "-i"], "zsh": ["-d", "-i"], "fish": ["-i"]}[program]
        self.process = pexpect.spawn(
            program,
            options,
            env=environment,
            cwd=str(home / "here"),
            encoding="utf-8",
            timeout=20,
            dimensions=(60, 160),
        )
        self.process.expect("ready> ")

    def tab(self, typed, *offered):
        """Type a line and TAB, wait until every word of `offered` is on the screen, and clear the line.

        Returns an `Answer`.
        """
        self.process.send(typed + "\t")
        screen = ""
        while not set(offered) <= set(plain(screen).split()):
            screen += self.process.read_nonblocking(10_000, timeout=20)  # fish paints while no key is pending
        self.process.send("\x18\x0c")
        self.process.expect(r"line=\[(.*?)\]\r*\n")
        screen, line = plain(screen + self.process.before), plain(self.process.match.group(1))
        self.process.send("\x15")  # clears the line; Ctrl-C might also clear what is typed next
        return Answer(screen, line)


def plain(screen):
    """Return the screen without terminal escape sequences."""
    return re.sub(r"\x1b(\[[0-9;?>=]*[a-zA-Z]|[()][A-Z0-9]|[=>]|\].*?\x07)", "", screen)


def installed(folder, programs):
    """Make a prefix like pip's: the programs in bin, and the wheel's shared data under share. Returns `folder`."""
    (folder / "bin").mkdir(parents=True)
    for name, text in programs.items():
        program = folder / "bin" / name
        program.write_text(text)
        program.chmod(0o755)
    targets = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    for source, target in targets["wheel"]["shared-data"].items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / source, folder / target)
    return folder


def started(name, folder):
    """Start the shell `name` with the prefix `folder` installed; skips the test if the shell is not installed."""
    if shutil.which(name.split()[0]) is None:
        pytest.skip(f"{name.split()[0]} is not installed")
    if "with" in name and not BASH_COMPLETION.exists():
        pytest.skip("bash-completion is not installed")
    home = folder / name
    (home / "here").mkdir(parents=True)
    (home / "here" / "my file.txt").touch()
    environment = {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": os.environ.get("PYTHONPATH", str(REPOSITORY)),
        "SHARE": str(folder / "share"),
        "SPEAKKIT_HOME": os.environ["SPEAKKIT_HOME"],
        "TERM": "xterm",
        "XDG_DATA_DIRS": f"{folder / 'share'}:/usr/local/share:/usr/share",
    }
    return Shell(name, home, environment)


@pytest.fixture(scope="module", params=SCRIPTS)
def shell(request, home, tmp_path_factory):
    """Each shell, with the real programs."""
    programs = {
        "speak": PROGRAM.format(python=sys.executable, function="speak"),
        "speakkit": PROGRAM.format(python=sys.executable, function="main"),
    }
    opened = started(request.param, installed(tmp_path_factory.mktemp("prefix"), programs))
    yield opened
    opened.process.close(force=True)


@pytest.fixture(scope="module", params=SCRIPTS)
def awkward(request, home, tmp_path_factory):
    """Each shell, with a program whose values and help texts contain spaces, colons, quotes and shell expansions."""
    folder = installed(tmp_path_factory.mktemp("awkward"), {"speak": DEMO.format(python=sys.executable)})
    opened = started(request.param, folder)
    yield opened
    opened.process.close(force=True)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("speak --voice f", "f1 f2 f3 f4 ff_siwis"), ("speak -5 --dev", "--device"), ('speak "- item" --dev', "--device")],
)
def test_the_program_answers(home, typed, offered):
    """The program itself completes voices and options, also after texts that begin with a dash."""
    asked = {"_SPEAK_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(shlex.split(typed)) - 1)}
    program = [sys.executable, "-c", "from speakkit.__main__ import speak; speak()"]
    answer = subprocess.run(program, env=os.environ | asked, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == offered.split()
    assert answer.stderr == ""


def test_the_first_tab_counts(shell):
    """The first TAB completes, although the shell may load the completion script only then."""
    shell.tab("speak --voice f", "f1", "f2", "f3", "f4")


def test_voices_with_an_equals_sign(shell):
    """A value after an equals sign is completed, and the option before it stays."""
    assert shell.tab("speak --voice=m").line == "speak --voice=m"
    assert shell.tab("speak --voice=bf_em").line.rstrip() == "speak --voice=bf_emma"


def test_commands(shell):
    """Commands and their subcommands are completed."""
    assert shell.tab("speakkit mod").line == "speakkit models "
    shell.tab("speakkit models ", "list", "fetch", "verify", "path")


def test_models(shell):
    """Model names are completed, and their common prefix is inserted at once."""
    assert shell.tab("speakkit models fetch whi").line == "speakkit models fetch whisper-"
    assert shell.tab("speakkit models fetch whisper-tiny.").line == "speakkit models fetch whisper-tiny.en "


def test_options(shell):
    """Options and the choices of an option are completed."""
    assert shell.tab("speak --dev").line == "speak --device "
    shell.tab("speak --device ", "auto", "cuda", "mps", "cpu")
    assert shell.tab("speak --device m").line == "speak --device mps "


@pytest.mark.parametrize("option", ["-o", "--output", "--file", "--file="])
def test_files(shell, option):
    """File names are completed, and a space in them is quoted."""
    start = f"speak {option}" if option.endswith("=") else f"speak {option} "
    assert shell.tab(f"{start}my").line.rstrip() == f"{start}my\\ file.txt"


def test_after_texts(shell):
    """An option is completed after texts with quotes or spaces in them."""
    before = """"two words" 'it is' two\\ words "-5 degrees" $HOME"""
    assert shell.tab(f"speak {before} --vo").line == f"speak {before} --voice "


def test_in_the_middle_of_a_list_of_commands(shell):
    """Only the words of the current command are passed to the program."""
    assert shell.tab("true; speak --dev").line == "true; speak --device "


def test_nothing_is_run_or_said(shell):
    """Completion prints neither a version, although --version is on the line, nor an error about an unknown command."""
    answer = shell.tab("speakkit --version mod")
    assert answer.line == "speakkit --version models "
    assert "speakkit 0" not in answer.screen
    assert "no such command" not in shell.tab("speakkit bogus --v").screen.lower()


def test_a_value_with_a_blank(awkward):
    """A value with a space is completed to one shell word."""
    assert awkward.tab("speak --kind two\\ w").line == "speak --kind two\\ words "
    assert awkward.tab('speak --kind "two w').line == 'speak --kind "two words" '


def test_values_are_offered_as_they_are(awkward):
    """Values, and help texts if the shell shows them, appear literally; nothing in them is expanded."""
    screen = awkward.tab("speak --kind ", "plain").screen
    assert "two:parts" in screen
    if "it's" in screen:
        assert 'it\'s so: $HOME, `date`, "quoted" (really)' in screen
