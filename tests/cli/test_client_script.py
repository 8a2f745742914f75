"""Tests of `speakkit daemon client-script`, run by a bare Python as in a container, with the fake voice."""

import ast
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bare import BARE_PYTHON
from speakkit import printable
from speakkit.daemon import control
from speakkit.daemon.containers import client_script, listener
from speakkit.daemon.queue.actions import Result
from speakkit.daemon.wire import client
from speakkit.daemon.wire.messages import EXITS, Mode
from speakkit.daemon.wire.protocol import Code
from speakkit.errors import TextError
from speakkit.text.decode import decode
from waiting import wait_until

SECONDS = 30
LONG = "bit=1 seconds=0.5 pieces=40"
SHORT = "bit=2 seconds=0.1"


@pytest.fixture
def host(place, fake_voice, monkeypatch):
    """A daemon that listens for containers, with the fake voice and a sink that plays to no device in real time."""
    monkeypatch.setenv("SPEAKKIT_CONTAINERS", "1")
    client.connect().close()
    return place


@pytest.fixture
def begin(place, command, tmp_path):
    """Start the script as the manual describes: begin("text", "--agent", "a"); returns the process.

    Kills the processes that still run at the end.
    """
    script, started = tmp_path / "speak.py", []
    script.write_bytes(
        subprocess.run([*command, "daemon", "client-script"], capture_output=True, check=True, timeout=SECONDS).stdout
    )

    def run(*words, target=None):
        started.append(
            subprocess.Popen(
                [BARE_PYTHON, "-I", "-S", script, *words],
                env={"SPEAKKIT_SOCKET": str(target or place.containers / listener.SOCKET)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )
        return started[-1]

    yield run
    for child in started:
        child.kill()
        child.communicate()


@pytest.fixture
def speak(begin):
    """Run the script to its end; returns the exit code and standard error."""

    def run(*words, stdin=b"", **options):
        child = begin(*words, **options)
        out, err = child.communicate(stdin, timeout=SECONDS)
        assert out == b""
        return child.returncode, err.decode()

    return run


def rows():
    """Return agent and stage of each utterance in the queue, as the host's user sees them."""
    with client.connect("host") as own:
        found: Any
        (found,) = own.request("queue")
    return [(row["agent"], row["stage"]) for row in found.rows]


def test_it_is_one_file_of_the_standard_library(begin, tmp_path):
    """The printed script is the repository's file, parses as Python 3.8 and imports only the standard library."""
    begin("--help").communicate(timeout=SECONDS)
    text = (tmp_path / "speak.py").read_text()
    assert text == Path(client_script.__file__).read_text()
    tree = ast.parse(text, feature_version=(3, 8))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_it_returns_when_it_was_heard(host, speak):
    """A text, given as an argument or by a pipe, plays to its end before the script returns, and nothing is printed."""
    began = time.monotonic()
    assert speak("bit=1 seconds=1") == (0, "")
    assert time.monotonic() - began >= 1
    assert speak(
        "--agent", "builder", "--voice", "m1", "--speed", "1.5", "--priority", "low", stdin=SHORT.encode()
    ) == (0, "")


def test_agents_bear_the_prefix(host, begin):
    """The names of container agents have the prefix c:, and their utterances wait in turn."""
    begin(LONG, "--agent", "a")
    wait_until(lambda: rows() == [("c:a", "playing")])
    begin(LONG)
    wait_until(lambda: rows() == [("c:a", "playing"), ("c:default", "waiting")])


def test_ctrl_c_ends_its_own(host, begin):
    """Ctrl-C ends only the script's own utterance, with exit code 130; killing the script ends it too."""
    first, second = begin(LONG, "--agent", "a"), begin(LONG, "--agent", "b")
    wait_until(lambda: len(rows()) == 2)
    first.send_signal(signal.SIGINT)
    assert first.wait(SECONDS) == 130
    wait_until(lambda: rows() == [("c:b", "playing")])
    second.kill()
    wait_until(lambda: rows() == [])


def test_what_the_user_does_is_told(host, begin):
    """If the user skips, mutes or stops the speech, the script prints one line about it."""
    skipped = begin(LONG)
    wait_until(lambda: len(rows()) == 1)
    with client.connect("host") as own:
        list(own.request("skip"))
        assert skipped.communicate(timeout=SECONDS)[1] == b"speak: it was skipped\n"
        assert skipped.returncode == 130
        list(own.request("mute"))
        muted = begin(LONG)
        assert muted.communicate(timeout=SECONDS)[1] == b"speak: nothing is heard while speech is muted\n"
        assert muted.returncode == 0
        list(own.request("unmute"))
    ended = begin(LONG)
    wait_until(lambda: len(rows()) == 1)
    control.stop(Mode.now)
    assert ended.communicate(timeout=SECONDS)[1].count(b"\n") == 1
    assert ended.returncode in (1, 7)


def test_a_host_that_does_not_answer_is_noticed(host, monkeypatch, capsys):
    """While the text waits, a host that answers is waited for; one that was stopped ends the script with one line."""
    monkeypatch.setattr(client_script, "ANSWER", 0.3)
    monkeypatch.setenv("SPEAKKIT_SOCKET", str(host.containers / listener.SOCKET))
    process, begun = control.status().pid, time.monotonic()
    threading.Timer(0.9, os.kill, (process, signal.SIGSTOP)).start()
    assert client_script.main([LONG]) == 1
    assert time.monotonic() - begun > 0.9
    said = capsys.readouterr().err
    assert (said.count("\n"), "did not answer within 0.3 s; end it on the host" in said) == (1, True)


def test_faults_have_the_exit_codes_of_speak(host, speak):
    """Each fault gives the exit code of `speak` and one line."""
    assert speak("do=error") == (1, f"speak: {listener.UNTOLD}\n")
    assert speak("x" * 4097) == (2, "speak: a container can send at most 4096 characters at once\n")
    code, said = speak("lost=1 seconds=0.1")
    assert (code, said) == (5, "speak: not spoken: 'l'\n")
    assert speak("--agent", "a b", "x") == (2, f"speak: {listener.NO_AGENT}\n")
    assert speak("--priority", "urgent", "x")[0] == 2


def test_a_text_that_cannot_be_spoken_gives_the_error_of_speak(host, speak):
    """A text that is not UTF-8, is not text, or is empty, is refused as `speak` refuses it."""
    for text in (b"caf\xe9", b" ", b"h\0i\0"):
        with pytest.raises(TextError) as caught:
            decode(text, "the text")
        said = speak(stdin=text) if b"\0" in text else speak(text)
        assert said == (1, f"speak: {caught.value}\n")


@pytest.mark.parametrize(
    "words", [("--\x1b[31m\u202e", "x"), ("--priority", "\x1b[31m", "x"), ("a", "\x1b]52;c;x\x07")]
)
def test_arguments_do_not_act_on_the_terminal(speak, words):
    """An invalid argument is quoted with escapes, in one line."""
    code, said = speak(*words)
    assert (code, said.count("\n")) == (2, 1)
    assert "\\x1b" in said
    assert not printable.UNSAFE.search(said.removesuffix("\n"))


def test_its_tables_are_ours():
    """The script's exit codes, results and unsafe characters match those of the package."""
    ours = {str(code): int(EXITS[code]) for code in Code}
    assert {code: client_script.CODES.get(code, client_script.FAILED) for code in ours} == ours
    assert set(client_script.ENDS) == {*Result} - {Result.played, Result.deduped, Result.failed}
    assert printable.UNSAFE == client_script.UNSAFE


def test_nobody_listens(place, speak):
    """Without a socket, or with a stale one, the script says in one line what to do."""
    code, said = speak("x")
    assert (code, said.count("\n")) == (1, 1)
    assert f"nothing listens at {place.containers}" in said
    assert "docker run -v FOLDER:/run/speakkit:ro" in said
    place.containers.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(place.containers / listener.SOCKET))
    assert speak("x") == (code, said)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "closed the connection"),
        (b"SSH-2.0\n", "is not speakkit"),
        (b"[]\n", "closed the connection"),
        (b'{"x":1}\n', "is not speakkit"),
        (b"\xff\n", "is not speakkit"),
        (b'{"error":{"code":"denied","msg":"\\u001b[2J\\n\\ud800"}}\n', "\\x1b[2J\\n\\ud800"),
    ],
)
def test_somebody_else_listens(speak, tmp_path_factory, answer, message):
    """A listener that is not speakkit, or that closes the connection, gives one line."""
    target = Path(os.path.relpath(tmp_path_factory.mktemp("x") / "s"))
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.bind(str(target))
        waiting.listen()

        def serve():
            channel, _ = waiting.accept()
            channel.sendall(answer)
            channel.close()

        thread = threading.Thread(target=serve)
        thread.start()
        code, said = speak("x", target=target)
        thread.join(SECONDS)
    assert (code, said.count("\n")) == (1, 1)
    assert message in said
