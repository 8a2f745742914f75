"""Tests of the output functions: no text from elsewhere acts on the terminal, whichever function shows it."""

import json
import logging
import os
import re
from typing import Any

import pexpect
import pytest

from speakkit.cli import output
from speakkit.printable import UNSAFE

HOSTILE = (
    "\x1b[31m\x9b2J\x1b]52;c;eA==\x07\x1b]8;;http://x\x1b\\\r\u202e\u2066f\u200b1\x85\u2028[red][link=http://x]\udcff"
)


def log(text):
    output.show_notices("speak")
    logging.getLogger("speakkit.cli").warning("%s", text)


FUNCTIONS = {
    "say": output.say,
    "show": output.show,
    "table": lambda text: output.show_table(("name", text), [(text, "b")]),
    "finding": lambda text: output.show_finding("config", "failed", text, text),
    "json": lambda text: output.show_json({text: [text]}),
    "line of json": lambda text: output.show_json_line({text: [text]}),
    "notice": log,
}


@pytest.mark.parametrize("show", FUNCTIONS.values(), ids=FUNCTIONS)
def test_no_function_lets_a_text_steer_the_terminal(show, capfd, monkeypatch):
    """Each output function escapes control characters, and shows Rich markup as it is."""
    monkeypatch.setenv("COLUMNS", "500")
    show(HOSTILE)
    shown = "".join(capfd.readouterr())
    assert not UNSAFE.search(shown.replace("\n", ""))
    assert "[red][link=http://x]" in shown
    assert "\\u202e" in shown


@pytest.mark.parametrize("show", [output.say, output.show, log])
def test_a_line_stays_one_line(show, capfd):
    """A line break in a message is shown as an escape."""
    show("one\ntwo")
    assert "".join(capfd.readouterr()).removeprefix("speak: ") == "one\\ntwo\n"


@pytest.mark.parametrize("show", [output.show_json, output.show_json_line])
def test_json_is_json(show, capfd):
    """JSON reads back as the same value, and keeps letters of all scripts."""
    value = {"text": f"{HOSTILE}\n\U000e0041 héllo 語 👩\u200d👧", "n": [1, {"\x7f": "\ud800"}]}
    show(value)
    shown = capfd.readouterr().out
    assert json.loads(shown) == value
    assert "héllo 語 👩\u200d👧" in shown


BAR = f"""
from speakkit.cli import output
with output.progress() as report:
    report({HOSTILE!r}, 1, 2)
"""


def test_a_progress_bar_shows_its_description_as_it_is(command):
    """The description of a progress bar is shown literally."""
    terminal: Any = os.environ | {"TERM": "xterm", "COLUMNS": "400"}
    child = pexpect.spawn(command[0], ["-c", BAR], encoding="utf-8", timeout=60, dimensions=(24, 400), env=terminal)
    child.expect(pexpect.EOF)
    assert "\\u202e" in child.before
    assert "[red][link=http://x]" in child.before
    assert not re.search("\x1b\\[2J|\x9b|\x1b\\]|\u202e|\x07", child.before)
