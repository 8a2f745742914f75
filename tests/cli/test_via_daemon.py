"""Tests of `speak` and `speakkit queue` with the daemon, as the user types them, with the fake voice."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pexpect
import pytest

from speakkit.audiofile import FORMATS, read
from speakkit.cli import speak as speak_module
from speakkit.daemon.process import spawn
from speakkit.daemon.wire import client
from speakkit.printable import UNSAFE
from waiting import wait_until

LONG = "bit=1 seconds=0.5 pieces=40"
SHORT = "bit=2 seconds=0.1"


@pytest.fixture
def turn(place, fake_voice, monkeypatch):
    """Set the fake voice and a sink that plays to no device in real time; returns the runtime directory."""
    (place.path.parent / "models" / "kokoro").mkdir(parents=True)  # prevents any download of models
    monkeypatch.setenv("SPEAKKIT_MODELS", str(place.path.parent / "models"))
    return place


@pytest.fixture
def begin(turn, command):
    """Start a `speak` process: begin("text", "--agent", "a"). Kills the processes that still run at the end."""
    started = []

    def run(*words):
        started.append(
            subprocess.Popen([*command, "speak", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield run
    for child in started:
        child.kill()
        child.communicate()


def queue(run, *words):
    """Return the output of `speakkit queue list --json`."""
    return json.loads(run("speakkit", "queue", "list", "--json", *words).out)


def test_what_was_heard_is_told(turn, run):
    """The receipt gives the seconds and chunks that were played, as without a daemon."""
    result = run("speak", "--json", SHORT)
    assert result.code == 0
    receipt = json.loads(result.out)
    assert receipt["seconds"] == 0.1
    assert receipt["chunks"] == 1


def test_a_file_is_written_by_the_same_voice(turn, run, tmp_path):
    """The daemon writes all samples of a text to a file; a file that is not audio is not overwritten."""
    target = tmp_path / "x.wav"
    assert run("speak", "-o", target, "bit=19 seconds=3 pieces=2").code == 0
    found = read(target)
    assert found.duration == 6.0
    assert np.allclose(found.samples, 0.5, atol=1e-4)
    target.write_text("precious")
    result = run("speak", "-o", target, SHORT)
    assert (result.code, target.read_text()) == (1, "precious")


def test_who_waits_is_listed_and_steered(turn, run, begin):
    """`queue list` shows only the texts of the given agent; `skip` ends the current utterance, `clear` the rest."""
    first, second = begin(LONG, "--agent", "a"), None
    wait_until(lambda: len(queue(run)["utterances"]) == 1)
    second = begin(LONG, "--agent", "b")
    wait_until(lambda: len(queue(run)["utterances"]) == 2)
    rows = queue(run, "--agent", "b")["utterances"]
    assert [(row["agent"], row["stage"], row["text"]) for row in rows] == [
        ("a", "playing", None),
        ("b", "waiting", LONG),
    ]
    shown = run("speakkit", "queue", "list", "--agent", "b").out.decode()
    assert "now" in shown
    assert LONG in shown
    assert run("speakkit", "queue", "skip").code == 0
    assert first.wait(30) == 130
    assert first.stderr.read() == "speakkit: it was skipped\n"
    assert run("speakkit", "queue", "pause").code == 0
    assert queue(run)["paused"]
    assert run("speakkit", "queue", "resume").code == 0
    assert run("speakkit", "queue", "clear", "--agent", "b").code == 0
    assert second.wait(30) == 130
    assert "nothing is spoken" in run("speakkit", "queue", "list").out.decode()


def test_stop_ends_everybodys(turn, run, begin):
    """`speak --stop` ends the speech of all agents, and does nothing without a daemon."""
    assert run("speak", "--stop").code == 0
    assert client.reached(turn) is None
    children = [begin(LONG, "--agent", name) for name in "abc"]
    wait_until(lambda: len(queue(run)["utterances"]) == 3)
    assert run("speak", "--stop").code == 0
    assert [child.wait(30) for child in children] == [130] * 3


def test_nothing_is_heard_while_muted(turn, run):
    """While muted, `speak` plays nothing and exits with 0, so that scripts continue."""
    assert run("speak", "--mute").code == 0
    result = run("speak", LONG)
    assert result.code == 0
    assert "--unmute" in result.err
    assert run("speak", "--unmute").code == 0
    assert run("speak", SHORT).err.startswith("0.1 s")


def test_an_urgent_one_comes_first(turn, run, begin):
    """Urgent speech interrupts the current utterance, which then plays to its end."""
    first = begin("bit=1 seconds=0.5 pieces=4")
    wait_until(lambda: any(row["stage"] == "playing" for row in queue(run)["utterances"]))
    assert run("speak", "--priority", "urgent", "--agent", "other", SHORT).code == 0
    assert first.poll() is None
    assert first.wait(30) == 0


def test_who_does_not_wait_is_told_the_place(turn, run):
    """--detach prints the position in the queue, and the text is still spoken."""
    assert json.loads(run("speak", "--detach", "--json", LONG).out)["position"] == 0
    assert run("speak", "--detach", "--agent", "b", SHORT).err == "queued, 1 ahead\n"
    wait_until(lambda: queue(run)["utterances"][0]["stage"] == "playing")
    run("speak", "--stop")


def test_ctrl_c_ends_ones_own(turn, run, begin):
    """Ctrl-C ends only the process's own utterance, with exit code 130."""
    mine, other = begin(LONG, "--agent", "a"), begin(LONG, "--agent", "b")
    wait_until(lambda: len(queue(run)["utterances"]) == 2)
    mine.send_signal(signal.SIGINT)
    assert mine.wait(30) == 130
    wait_until(lambda: [row["agent"] for row in queue(run)["utterances"]] == ["b"])
    assert other.poll() is None


def test_a_killed_daemon_is_reported(turn, run, begin):
    """If the daemon is killed, `speak` prints one line, and the next `speak` starts another daemon."""
    child = begin(LONG)
    wait_until(lambda: len(queue(run)["utterances"]) == 1)
    with client.reached(turn) as daemon:
        os.kill(daemon.status().pid, signal.SIGKILL)
    assert child.wait(30) == 1
    assert child.stderr.read().count("\n") == 1
    assert run("speak", SHORT).code == 0


def test_a_daemon_that_does_not_answer_is_reported(turn, run, monkeypatch):
    """If the daemon was stopped by a signal, `speak` prints one line that names it and the mend, which works."""
    assert run("speakkit", "daemon", "start").code == 0
    monkeypatch.setattr(client, "ANSWER", 0.3)
    monkeypatch.setattr(spawn, "PATIENCE", 0.3)
    process = int(turn.daemon_lock.read_text().split()[0])
    os.kill(process, signal.SIGSTOP)
    mend = "speakkit daemon stop --now"
    for words in (("speak", SHORT), ("speak", "--detach", SHORT), ("speakkit", "queue", "list")):
        result = run(*words)
        assert (result.code, result.out) == (1, b"")
        assert (
            result.err
            == f"{words[0]}: the daemon, process {process}, did not answer within 0.3 s; end it with: {mend}\n"
        )
    assert run(*mend.split()).out == b"stopped\n"


def test_what_was_heard_is_said_again(turn, run, tmp_path):
    """`queue again` repeats an earlier utterance on the device or into a file; without one, it exits with 1."""
    assert run("speakkit", "queue", "again").code == 1
    run("speak", "bit=19 seconds=0.2")
    run("speak", "bit=18 seconds=0.3")
    assert run("speakkit", "queue", "again").code == 0
    assert run("speakkit", "queue", "again", "-2", "-o", tmp_path / "x.wav").code == 0
    assert read(tmp_path / "x.wav").duration == 0.2


def test_a_file_that_is_made_meanwhile_is_kept(turn, run, tmp_path):
    """Files that appear during the synthesis are overwritten only with --force; speech and captions are saved."""
    speech, captions = tmp_path / "x.wav", tmp_path / "x.srt"
    result = run("speak", "-o", speech, f"{SHORT} note={speech}")
    assert result.code == 1
    assert "x.wav exists and is no audio file" in result.err
    assert speech.read_text().startswith("Begin")
    assert read(tmp_path / "x.1.wav").duration == pytest.approx(0.1)
    result = run("speak", "-o", tmp_path / "y.wav", "--captions", captions, f"{SHORT} note={captions}")
    assert result.code == 1
    assert "x.srt exists and is no caption file" in result.err
    assert captions.read_text().startswith("Begin")
    assert "-->" in (tmp_path / "x.1.srt").read_text()
    forced = f"{SHORT} note={speech}"
    assert run("speak", "-q", "--force", "-o", speech, "--captions", captions, forced).code == 0
    assert read(speech).duration == pytest.approx(0.1)


def test_a_full_disk_is_one_line(turn, run, tmp_path):
    """A device without room is one line, in every format, also for an utterance that is repeated."""
    assert run("speak", SHORT).code == 0
    for name in FORMATS:
        result = run("speak", "--format", name, "-o", "/dev/full", SHORT)
        assert (result.code, result.err) == (1, "speak: cannot write /dev/full: no space left on device\n")
    (tmp_path / "x.wav").symlink_to("/dev/full")
    result = run("speakkit", "queue", "again", "-o", tmp_path / "x.wav")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "no space left on device" in result.err


def test_a_beep_that_is_a_pipe_is_left_out(turn, run, monkeypatch, tmp_path):
    """The daemon starts, and speaks without a beep, if the setting names a pipe that nothing is written to."""
    os.mkfifo(tmp_path / "beep.wav")
    monkeypatch.setenv("SPEAKKIT_BEEP", str(tmp_path / "beep.wav"))
    assert run("speak", SHORT).code == 0
    assert "beep.wav is no regular file" in run("speakkit", "daemon", "logs").out.decode()


def test_what_is_played_can_be_kept(turn, run, tmp_path, monkeypatch):
    """Speech is also saved in the folder of the setting autosave, and later speech plays as before."""
    monkeypatch.setenv("SPEAKKIT_AUTOSAVE", str(tmp_path / "kept"))
    assert run("speak", SHORT).code == 0
    wait_until(lambda: list((tmp_path / "kept").glob("*.mp3")))
    assert run("speak", SHORT).code == 0


def test_a_fault_of_the_voice_is_one_line(turn, run):
    """A fault of the voice gives one line and its own exit code."""
    result = run("speak", "do=error")
    assert (result.code, result.err) == (1, "speak: this voice is broken; mend it\n")
    assert run("speak", "do=bug").code == 3
    assert run("speak", "--speed", "9", SHORT).code == 2


def test_a_call_may_say_how_long_the_model_stays(turn, run):
    """--keep-alive sets how long the model stays loaded; 0 unloads it at once."""
    for settings, most in ((("--keep-alive", 30), 30), ((), 600)):
        assert run("speak", *settings, SHORT).code == 0
        with client.reached(turn) as daemon:
            assert most - 20 < daemon.status().work["unload_in"] <= most
    with client.reached(turn) as daemon:
        assert run("speak", "--keep-alive", 0, SHORT).code == 0
        wait_until(lambda: daemon.status().work["voice"] is None)


@pytest.mark.parametrize("option", ["--keep-alive", "--ttl"])
def test_a_time_that_is_none_is_refused(run, option):
    """An invalid time is refused in one line that names the option."""
    for given in ("nan", "inf", "-7", "soon"):
        result = run("speak", option, given, SHORT)
        assert (result.code, result.err.count("\n")) == (2, 1)
        assert option in result.err


def test_lost_words_are_told(turn, run):
    """If words were lost, the exit code is 5 and the receipt lists them."""
    result = run("speak", "--json", "lost=1 seconds=0.1")
    assert (result.code, json.loads(result.out)["lost"]) == (5, [{"text": "l", "start": 0}])


@pytest.mark.parametrize("name", ["x" * 10_000, "with space", "ü"])
def test_an_agent_without_a_proper_name_is_refused(turn, run, name):
    """An invalid agent name is refused in one short line."""
    result = run("speak", "--agent", name, SHORT)
    assert result.code == 2
    assert len(result.err) < 300


def test_the_session_of_tmux_is_an_agent(turn, run, monkeypatch, tmp_path):
    """The tmux session is the agent, with invalid characters replaced; if tmux hangs, the agent is default."""
    stub = tmp_path / "tmux"
    stub.write_text("#!/bin/sh\necho 'my project!'\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("TMUX", "/tmp/x,1,0")
    run("speak", "--detach", LONG)
    assert queue(run)["utterances"][0]["agent"] == "my-project-"
    stub.write_text("#!/bin/sh\nsleep 60\necho late\n")
    run("speak", "--detach", SHORT)
    assert queue(run)["utterances"][-1]["agent"] == "default"
    run("speak", "--stop")


def test_a_hook_hands_over_json(turn, run, tmp_path):
    """--from-json reads the text at a path of the JSON in the pipe; a missing path gives one line."""
    said = json.dumps({"message": {"text": "bit=19 seconds=0.3"}}).encode()
    assert run("speak", "-o", tmp_path / "x.wav", "--from-json", ".message.text", stdin=said).code == 0
    assert read(tmp_path / "x.wav").duration == 0.3
    result = run("speak", "--from-json", ".text", stdin=said)
    assert result.code == 1
    assert "no .text in an object" in result.err


def test_a_long_message_is_cut(turn, run):
    """--max-seconds cuts the text before it is sent."""
    run("speak", "--detach", "--max-seconds", "2", "bit=1 seconds=9 " + "and more words " * 100)
    assert queue(run)["utterances"][0]["characters"] < 40
    run("speak", "--stop")


def test_nothing_is_heard_in_quiet_hours(turn, run, monkeypatch, tmp_path):
    """In quiet hours only urgent speech plays; files are still written."""
    monkeypatch.setenv("SPEAKKIT_QUIET_HOURS", "22:00-07:00")
    monkeypatch.setattr(speak_module, "now", lambda: datetime(2026, 1, 1, 23, 30, tzinfo=UTC))
    result = run("speak", SHORT)
    assert (result.code, "quiet hours" in result.err) == (0, True)
    assert client.reached(turn) is None
    assert run("speak", "-o", tmp_path / "x.wav", "--play", SHORT).code == 0
    assert run("speak", "--priority", "urgent", SHORT).err.startswith("0.1 s")
    monkeypatch.setattr(speak_module, "now", lambda: datetime(2026, 1, 1, 7, 0, tzinfo=UTC))
    assert run("speak", SHORT).err.startswith("0.1 s")


def test_alone_speaks_alone(turn, run, monkeypatch, home):
    """--no-daemon starts no daemon."""
    monkeypatch.setenv("SPEAKKIT_MODELS", "")
    monkeypatch.setenv("SPEAKKIT_HOME", str(home))
    assert run("speak", "--no-daemon", "Hello.").code == 0
    assert client.reached(turn) is None


def test_agents_have_voices_of_their_own(turn, run, tmp_path):
    """An agent has the priority of its setting; agents without a setting have the default."""
    run("speakkit", "config", "set", "agents.builder", "f4, 1.5, low")
    run("speak", "--detach", "--agent", "builder", LONG)
    run("speak", "--detach", "--agent", "other", LONG)
    rows = {row["agent"]: row for row in queue(run)["utterances"]}
    assert rows["builder"]["priority"] == "low"
    assert rows["other"]["priority"] == "normal"
    run("speak", "--stop")


def test_words_are_shown_on_a_terminal(turn, command):
    """--show marks each word while it plays, and the text remains on the screen afterwards."""
    child = pexpect.spawn(
        command[0], [*command[1:], "speak", "--show", "bit=1 seconds=1.5"], encoding="utf-8", timeout=60
    )
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert "bit=1 seconds=1.5" in re.sub(r"\x1b\[\d*[a-zA-Z]", "", child.before)
    assert "\x1b[7m" in child.before


def notes(file):
    """Return the lines that the voice wrote since the last call, one per order."""
    lines = file.read_text().splitlines()
    file.unlink()
    return lines


ONCE = ["Begin 0", "Next 1", "Next 2"]


def test_a_text_is_synthesized_once(turn, run, tmp_path):
    """A text is synthesized once, whether it is played, written, captioned, or all of these."""
    note = tmp_path / "notes"
    text = f"note={note} bit=19 seconds=0.1 pieces=2"
    wav, captions = tmp_path / "x.wav", tmp_path / "x.json"
    ways = (
        [],
        ["-o", wav],
        ["-o", wav, "--play"],
        ["--captions", captions],
        ["-o", wav, "--captions", captions, "--play"],
    )
    for way in ways:
        assert run("speak", *way, text).code == 0
        assert notes(note) == ONCE, way
    assert read(wav).duration == pytest.approx(0.2)
    assert json.loads(captions.read_text())["words"]


def test_captions_are_whole_though_nothing_is_heard(turn, run, tmp_path):
    """Captions are complete even if the speech is muted or only queued."""
    captions = tmp_path / "x.json"

    def taken():
        found = json.loads(captions.read_text())
        captions.unlink()
        return found["duration"]

    run("speak", "--mute")
    assert run("speak", "--captions", captions, "bit=1 seconds=0.1 pieces=3").code == 0
    assert taken() == pytest.approx(0.3)
    run("speak", "--unmute")
    assert run("speak", "--detach", "--captions", captions, "bit=1 seconds=0.1 pieces=3").code == 0
    assert taken() == pytest.approx(0.3)


def test_a_client_that_writes_captions_loads_no_engine(turn, tmp_path):
    """A client that writes speech and captions imports no engine."""
    program = (
        "import sys; from speakkit.cli import speak; from speakkit.cli.error_handler import run;"
        "code = run(speak.app, 'speak', sys.argv[1:]);"
        "print(code, *sorted({'torch', 'kokoro', 'misaki', 'spacy'} & set(sys.modules)))"
    )
    arguments = ["-q", "-o", "x.wav", "--captions", "x.srt", "--play", SHORT]
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ended.stdout == "0\n", ended.stderr


def connections(place):
    """Return the number of the daemon's connections, including this one; 0 if no daemon runs."""
    daemon = client.reached(place)
    if daemon is None:
        return 0
    with daemon:
        return daemon.status().connections


def test_a_watcher_sees_each_event(turn, run, command):
    """`queue watch --jsonl` prints one line of JSON per event, in order, with the texts of its own agent only."""
    text = "bit=2 seconds=1.5"
    watching = subprocess.Popen(
        [*command, "queue", "watch", "--jsonl", "--agent", "a"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: connections(turn) > 1)
        for agent in "ab":
            assert run("speak", "--agent", agent, text).code == 0
        seen = [json.loads(watching.stdout.readline())]
        while [event["event"] for event in seen].count("ended") < 2:
            seen.append(json.loads(watching.stdout.readline()))
    finally:
        watching.send_signal(signal.SIGINT)
        _, err = watching.communicate(timeout=30)
    assert [(event["event"], event["agent"]) for event in seen] == [
        (name, agent) for agent in "ab" for name in ("queued", "started", "word", "ended")
    ]
    assert [event.get("text") for event in seen] == [text, text, "b", *[None] * 5]
    assert [event["result"] for event in seen if event["event"] == "ended"] == ["played", "played"]
    assert (watching.returncode, err) == (130, "")


def test_a_text_in_the_queue_does_not_act_on_the_terminal(turn, run, begin, command):
    """`queue list` and `queue watch` show escapes in place of control characters, and no Rich markup."""
    text = "\x1b[2J\u202e\x9b[red]x[/red]\nb"
    shown = r"\x1b[2J\u202e\x9b[red]x[/red]\nb"
    begin(f"{text} {LONG}", "--agent", "a")
    wait_until(lambda: queue(run)["utterances"])
    listed = run("speakkit", "queue", "list", "--agent", "a").out.decode()
    assert shown in listed
    assert not UNSAFE.search(listed.replace("\n", ""))
    raw = run("speakkit", "queue", "list", "--agent", "a", "--json").out.decode()
    assert json.loads(raw)["utterances"][0]["text"].startswith(text)
    assert not UNSAFE.search(raw.replace("\n", ""))
    watching = subprocess.Popen(
        [*command, "queue", "watch", "--agent", "a"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert f"started a  {shown}" in watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=30)
    run("speak", "--stop")


def test_a_text_of_json_that_cannot_be_spoken_is_refused(turn, run):
    """Half of a character in JSON is refused in one line, and nothing is sent to the daemon."""
    result = run("speak", "--from-json", ".text", stdin=rb'{"text": "a\ud800b"}')
    said = "speak: the text at .text of standard input is not text: it holds the character U+D800 at offset 1\n"
    assert (result.code, result.err) == (1, said)
    assert client.reached(turn) is None
