"""Tests of `speak` as the user types it: its messages, files and exit codes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

import numpy as np
import psutil
import pytest
import soundfile

from speakkit import config, paths
from speakkit.audiofile import FORMATS, read
from speakkit.cli import in_process, weights
from speakkit.engines import registry
from waiting import wait_until

pytestmark = pytest.mark.usefixtures("weights")  # else a line on standard error may say who is making them

HELLO = "Hello from speakkit."


def heard(whisper, file):
    (transcript,) = whisper.transcribe([read(file)])
    return transcript.text.lower()


def one_line(result, code, *words):
    """Check that the command exited with `code` and printed one line of error that contains `words`."""
    assert result.code == code, result.err
    assert result.out == b""
    assert result.err.count("\n") == 1
    for word in words:
        assert word in result.err


def test_writes_speech(run, whisper, tmp_path):
    """The README's first command writes speech that Whisper recognizes."""
    result = run("speak", "-o", tmp_path / "hello.wav", HELLO)
    assert result.code == 0
    assert "rebuilt from int8" in result.err or "official" in result.err
    assert heard(whisper, tmp_path / "hello.wav").startswith("hello from spe")
    assert [file.name for file in tmp_path.iterdir()] == ["hello.wav"]


def test_speakkit_speak_is_the_same_command(run, tmp_path):
    """`speakkit speak` takes the same options as `speak` and writes the same bytes."""
    for program, name in ((("speak",), "a.wav"), (("speakkit", "speak"), "b.wav")):
        assert run(*program, "-q", "-o", tmp_path / name, HELLO).code == 0
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


@pytest.mark.parametrize("ending", [ending for ending in FORMATS if ending != "pcm"])
def test_every_format_holds_the_speech(run, tmp_path, ending):
    """Speech in every format can be read back, and is that of standard output but for the codec's delay and noise."""
    file = tmp_path / f"hello.{ending}"
    assert run("speak", "-q", "-o", file, HELLO).code == 0
    assert soundfile.info(str(file)).format == FORMATS[ending][0]
    spoken = np.frombuffer(run("speak", "-q", "-o", "-", "--format", "pcm", HELLO).out, "<i2") / 2**15
    found = read(file).samples
    assert read(file).sample_rate == 24_000
    assert len(found) == pytest.approx(len(spoken), abs=2_400)
    size = len(found) + len(spoken)
    correlation = np.fft.irfft(np.fft.rfft(found, size) * np.conj(np.fft.rfft(spoken, size)), size).max()
    assert correlation > 0.9 * np.sum(spoken**2)
    assert correlation > 0.9 * np.sum(found**2)


def test_words_are_one_text(run, whisper, tmp_path):
    """Several words without quotes are one text."""
    assert run("speak", "-q", "-o", tmp_path / "x.wav", "the", "quick", "brown", "fox").code == 0
    assert "the quick brown fox" in heard(whisper, tmp_path / "x.wav")


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_reads_standard_input(run, whisper, tmp_path, arguments):
    """Text is read from a pipe, with or without a dash."""
    assert run("speak", "-q", "-o", tmp_path / "x.wav", *arguments, stdin=b"The quick brown fox.\n").code == 0
    assert "the quick brown fox" in heard(whisper, tmp_path / "x.wav")


def test_reads_a_file(run, whisper, tmp_path):
    """Text is read from a file, also with a byte order mark as Windows writes it."""
    (tmp_path / "x.txt").write_bytes(b"\xef\xbb\xbfThe quick\r\nbrown fox.\r\n")
    assert run("speak", "-q", "-o", tmp_path / "x.wav", "--file", tmp_path / "x.txt").code == 0
    assert "the quick brown fox" in heard(whisper, tmp_path / "x.wav")


def test_backslash_before_exclamation_mark_is_the_shells(run, tmp_path):
    r"""`speak "wow\!"` says "wow!"."""
    run("speak", "-q", "-o", tmp_path / "a.wav", "wow\\!")
    run("speak", "-q", "-o", tmp_path / "b.wav", "wow!")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


@pytest.mark.parametrize("text", ["-5 degrees tonight", "- the first item", "--- a new section ---", "-12"])
def test_text_may_begin_with_a_dash(run, tmp_path, text):
    """A text with white space or a number may begin with a dash, since no option looks like that."""
    assert run("speak", "-q", "-o", tmp_path / "x.wav", text).code == 0


def test_option_value_may_begin_with_a_dash(run, tmp_path, monkeypatch):
    """The value of an option may begin with a dash."""
    monkeypatch.chdir(tmp_path)
    assert run("speak", "-q", "-o", "- a file.wav", HELLO).code == 0
    assert (tmp_path / "- a file.wav").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--voise", "f1", HELLO), ("--voise", "did you mean --voice?", "speak --help")),
        (("--voice", "f9", HELLO), ("'f9'", "f1")),
        (("--voice", "af_hart", HELLO), ("af_heart",)),
        (("--speed", "0", HELLO), ("0.5 and 2.0",)),
        (("--speed", "nan", HELLO), ("0.5 and 2.0",)),
        (("--speed", "fast", HELLO), ("'fast'", "--speed")),
        (("--engine", "kokoto", HELLO), ("kokoto", "kokoro")),
        (("--device", "tpu", HELLO), ("tpu", "cuda")),
        (("--seed", "x", HELLO), ("--seed",)),
        (("--seed", "-1", HELLO), ("--seed", "equal to 0")),
        (("--seed", str(2**63), HELLO), ("--seed", str(2**63 - 1))),
        (("--threads", "-1", HELLO), ("--threads", "equal to 0")),
        (("--threads", "1025", HELLO), ("--threads", "1024")),
        (("-o", "hello.aac", HELLO), ("aac", "mp3")),
        (("-o", "hello", HELLO), ("--format",)),
        (("-o", "x.wav", "--format", "aac", HELLO), ("aac", "mp3")),
        (("-o", "-", "--json", HELLO), ("--json",)),
        (("--file", "x.txt", HELLO), ("not both",)),
        ((), ("nothing to speak",)),
    ],
)
def test_what_no_run_could_accept_is_a_usage_error(run, arguments, words):
    """Invalid options exit with 2 and one line that says how to mend the command."""
    one_line(run("speak", *arguments), 2, *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("empty",)),
        (" \n", ("empty",)),
        ("... !?", ("no words",)),
        ("\u4f60\u597d", ("cannot say \u4f60\u597d",)),
        ("a\udcffb", ("not text",)),
        ("a\x01b", ("not text", "U+0001")),
    ],
)
def test_text_without_words_is_refused(run, tmp_path, text, words):
    """A text without words exits with 1 and writes no file."""
    one_line(
        run("speak", "-o", tmp_path / "x.wav", text), 1, "nothing to speak" if "not" not in words[0] else "", *words
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"caf\xe9", ("not UTF-8", "0xe9", "offset 3", "iconv")),
        (b"\xff\xfeh\0i\0", ("UTF-16", "iconv")),
        (b"hello\0world", ("not text", "U+0000", "offset 5")),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ("not UTF-8",)),
        (b"\x7fELF\x02\x01\x01\0", ("not text",)),
        (b"", ("empty",)),
    ],
)
def test_input_that_is_no_text_is_refused(run, tmp_path, raw, words):
    """Input that is not text, from a file or a pipe, is refused with its name."""
    (tmp_path / "x.bin").write_bytes(raw)
    one_line(run("speak", "-o", tmp_path / "x.wav", "--file", tmp_path / "x.bin"), 1, "x.bin", *words)
    one_line(run("speak", "-o", tmp_path / "x.wav", stdin=raw), 1, "standard input", *words)
    assert [file.name for file in tmp_path.iterdir()] == ["x.bin"]


def test_file_that_cannot_be_read_is_named(run, tmp_path):
    """A missing file, or a folder, is named."""
    one_line(run("speak", "--file", tmp_path / "nope.txt"), 1, "nope.txt", "no such file")
    one_line(run("speak", "--file", tmp_path), 1, "is a directory")


def test_lost_words_are_named_and_the_rest_is_spoken(run, whisper, tmp_path):
    """Words that the voice cannot say are named, the rest is spoken, and the exit code is 5."""
    result = run("speak", "-q", "-o", tmp_path / "x.wav", "The quick \u4f60\u597d brown fox.")
    assert result.code == 5
    assert "'\u4f60\u597d' at character 10" in result.err
    assert "the quick brown fox" in heard(whisper, tmp_path / "x.wav")


def test_place_that_cannot_be_written_is_refused_before_speaking(run, tmp_path):
    """A missing folder, a folder as the file, and a file as the folder are refused before speaking."""
    (tmp_path / "file").write_text("text")
    one_line(run("speak", "-o", tmp_path / "nope" / "x.wav", HELLO), 1, "there is no folder")
    (tmp_path / "x.wav").mkdir()
    one_line(run("speak", "-o", tmp_path / "x.wav", HELLO), 1, "it is a folder")
    one_line(run("speak", "-o", tmp_path / "file" / "x.wav", HELLO), 1, "there is no folder")


def test_names_that_no_file_can_have(run, tmp_path):
    """A name that is too long, and a link to itself, are one line."""
    for name in (f"{'x' * 300}.wav", f"{'x' * 300}/x.wav"):
        one_line(run("speak", "-o", tmp_path / name, HELLO), 1, "file name too long")
    (tmp_path / "x.wav").symlink_to("x.wav")
    one_line(run("speak", "-o", tmp_path / "x.wav", HELLO), 1, "too many levels of symbolic links")


@contextmanager
def small_disk(folder, options):
    """Mount a temporary file system on `folder`; skips the test without the rights to mount."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_folder_that_is_not_writable_is_refused(run, tmp_path):
    """A folder on a read-only file system is refused, also for root."""
    with small_disk(tmp_path, "ro"):
        one_line(run("speak", "-o", tmp_path / "x.wav", HELLO), 1, "x.wav", "not writable")


def test_file_that_is_no_audio_is_kept_without_force(run, tmp_path):
    """A file that is not audio is overwritten only with --force."""
    target = tmp_path / "notes.wav"
    target.write_text("my notes")
    one_line(run("speak", "-o", target, HELLO), 1, "no audio", "--force")
    assert target.read_text() == "my notes"
    assert run("speak", "-q", "--force", "-o", target, HELLO).code == 0
    assert run("speak", "-q", "-o", target, HELLO).code == 0
    assert read(target).duration > 1


def test_full_disk_leaves_nothing(run, tmp_path):
    """On a full disk, one line names the file and the reason, and no partial file stays."""
    with small_disk(tmp_path, "size=4k"):
        for name in FORMATS:
            one_line(run("speak", "-o", tmp_path / f"x.{name}", HELLO), 1, f"x.{name}", "no space left")
        assert list(tmp_path.iterdir()) == []


def test_file_that_is_made_meanwhile_is_kept(run, tmp_path, monkeypatch):
    """Files that appear during the synthesis are overwritten only with --force; speech and captions are saved."""
    speech, captions = tmp_path / "x.wav", tmp_path / "x.srt"
    fetch = weights.fetch

    def fetch_and_interfere(*given, **options):
        fetch(*given, **options)
        speech.write_text("my notes")
        captions.write_text("my notes")

    monkeypatch.setattr(weights, "fetch", fetch_and_interfere)
    one_line(run("speak", "-o", speech, HELLO), 1, "x.wav exists and is no audio file", "x.1.wav")
    assert speech.read_text() == "my notes"
    assert read(tmp_path / "x.1.wav").duration > 1
    captions.unlink()
    one_line(run("speak", "-o", tmp_path / "y.wav", "--captions", captions, HELLO), 1, "no caption file", "x.1.srt")
    assert captions.read_text() == "my notes"
    assert "Hello" in (tmp_path / "x.1.srt").read_text()
    assert run("speak", "-q", "--force", "-o", speech, "--captions", captions, HELLO).code == 0
    assert "Hello" in captions.read_text()


def test_folder_that_disappears_is_one_line(run, tmp_path, monkeypatch):
    """If the folder of the file is removed during the synthesis, one line names the file."""
    folder = tmp_path / "folder"
    folder.mkdir()
    speak_into = in_process._speak_into

    def speak_and_remove(*given, **options):
        shutil.rmtree(folder)
        return speak_into(*given, **options)

    monkeypatch.setattr(in_process, "_speak_into", speak_and_remove)
    one_line(run("speak", "-o", folder / "x.wav", HELLO), 1, "x.wav: its folder", "was removed")


@pytest.mark.parametrize("name", ["x" * 252 + ".wav", "ü" * 126 + ".wav"])
def test_name_that_is_too_long_is_one_line(run, tmp_path, name):
    """A name of over 255 bytes is one line; one of 255 bytes is written."""
    one_line(run("speak", "-o", tmp_path / name, HELLO), 1, "file name too long")
    one_line(run("speak", "-o", "x.wav", "--captions", tmp_path / f"{name}.srt", HELLO), 1, "file name too long")
    assert run("speak", "-q", "-o", tmp_path / name[1:], HELLO).code == 0
    assert [file.name for file in tmp_path.iterdir()] == [name[1:]]


@pytest.mark.parametrize("name", FORMATS)
def test_full_device_is_one_line(run, name):
    """A device without room is one line, in every format."""
    one_line(run("speak", "--format", name, "-o", "/dev/full", HELLO), 1, "/dev/full", "no space left")


def test_standard_output_gets_wav_with_its_length(run):
    """Standard output gets a WAV file with the right lengths in its header, and nothing else."""
    result = run("speak", "-q", "-o", "-", HELLO)
    assert result.out[:4] == b"RIFF"
    assert int.from_bytes(result.out[4:8], "little") == len(result.out) - 8
    assert int.from_bytes(result.out[40:44], "little") == len(result.out) - 44


def test_standard_output_gets_raw_samples(run, tmp_path):
    """With --format pcm, standard output gets the samples of the WAV file without its header."""
    raw = run("speak", "-q", "-o", "-", "--format", "pcm", HELLO).out
    run("speak", "-q", "-o", tmp_path / "x.wav", HELLO)
    samples, _ = soundfile.read(tmp_path / "x.wav", dtype="int16")
    assert np.array_equal(np.frombuffer(raw, "<i2"), samples)


def test_json_says_what_was_done(run, tmp_path):
    """--json prints one object to standard output and nothing to standard error."""
    result = run("speak", "--json", "-o", tmp_path / "x.wav", "--voice", "m4", "--speed", "1.25", HELLO)
    receipt = json.loads(result.out)
    assert result.err == ""
    assert receipt["voice"] == "bm_george"
    assert receipt["seconds"] == pytest.approx(read(tmp_path / "x.wav").duration, abs=0.01)
    assert receipt["weights"] in ("rebuilt from int8", "official")
    assert receipt["lost"] == []


def test_quiet_prints_nothing(run, tmp_path):
    """-q prints neither a message nor a progress bar."""
    result = run("speak", "-q", "-o", tmp_path / "x.wav", HELLO)
    assert (result.out, result.err) == (b"", "")


@pytest.mark.parametrize("option", [("--gemini",), ("--inworld",), ("--engine", "gemini")])
def test_clouds_are_not_available_yet(run, option):
    """Cloud engines exit with 1 and "not available yet", also with a voice of theirs."""
    one_line(run("speak", *option, "--voice", "Zephyr", HELLO), 1, "not available yet")


def test_language_whose_extra_is_missing_says_so(run, tmp_path, monkeypatch):
    """A language whose extra is missing exits with 1 and the command that installs it, and writes no file."""
    monkeypatch.setitem(registry.EXTRAS, "ja", ("ja", ("no_such_package",)))
    result = run("speak", "-o", tmp_path / "x.wav", "--voice", "jf_alpha", "はい")
    one_line(result, 1, "no_such_package", "pip install 'speakkit[ja]'")
    assert list(tmp_path.iterdir()) == []


def test_settings_count_where_no_option_is_given(run, tmp_path, monkeypatch):
    """An option overrides the environment, which overrides the file, which overrides the default.

    The receipt shows the values that were used.
    """
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "models").symlink_to(paths.models())
    (tmp_path / "config").mkdir()
    settings = 'voice = "narrator"\nspeed = 0.8\nseed = 3\n[blends]\nnarrator = "af_bella:2,af_sky:1"\n'
    (tmp_path / "config" / "config.toml").write_text(settings)
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    monkeypatch.setenv("SPEAKKIT_SPEED", "1.5")
    receipt = json.loads(run("speak", "-o", tmp_path / "x.wav", "--json", HELLO).out)
    assert (receipt["voice"], receipt["speed"], receipt["seed"]) == ("af_bella(2)+af_sky", 1.5, 3)
    receipt = json.loads(run("speak", "-o", tmp_path / "x.wav", "--json", "-v", "s1", "-s", "1", "-l", "en", HELLO).out)
    assert (receipt["voice"], receipt["speed"], receipt["language"]) == ("ef_dora", 1.0, "en-us")


def test_settings_at_fault_are_named(run, tmp_path, monkeypatch):
    """A fault in config.toml is named with its line, and nothing is spoken with a default instead."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("speed = 1.0\nvoise = 'f2'\n")
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    one_line(run("speak", "-o", tmp_path / "x.wav", HELLO), 1, "config.toml line 2", "'voise'", "did you mean voice?")


def test_weights_in_place_need_no_network(run, tmp_path, monkeypatch):
    """With the weights installed, no connection is attempted."""

    def refuse(*_):
        raise AssertionError("speak went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert run("speak", "-q", "-o", tmp_path / "x.wav", HELLO).code == 0


def test_a_bug_is_a_line_and_a_log_without_the_text(run, tmp_path, monkeypatch):
    """A bug exits with 3 and one line; the log has the traceback, but not the text."""
    from speakkit import paths

    told = "words " + "in confidence"

    def broken(speed):
        raise RuntimeError(f"{told} {speed}")

    monkeypatch.setattr(config, "checked_speed", broken)
    monkeypatch.setattr(paths, "log", lambda: tmp_path / "logs" / "speakkit.log")
    one_line(run("speak", "-o", tmp_path / "x.wav", told), 3, "RuntimeError", "speakkit.log")
    log = (tmp_path / "logs" / "speakkit.log").read_text()
    assert "test_speak.py" in log
    assert told not in log


def test_a_bug_in_a_worker_is_logged_with_its_own_traceback(run, tmp_path, monkeypatch):
    """The log has the traceback of an error in a worker process, and the line names its type."""
    from speakkit import paths
    from speakkit.errors import WorkerBug

    told = "words " + "in confidence"

    def broken(_):
        raise WorkerBug("KeyError", told, "  File engine.py, line 7\n")

    monkeypatch.setattr(config, "checked_speed", broken)
    monkeypatch.setattr(paths, "log", lambda: tmp_path / "speakkit.log")
    one_line(run("speak", "-o", tmp_path / "x.wav", HELLO), 3, "KeyError", "speakkit.log")
    log = (tmp_path / "speakkit.log").read_text()
    assert log.endswith("in a worker:\n  File engine.py, line 7\nKeyError\n\n")
    assert told not in log


def interrupted(command, folder, until, arguments):
    """Send Ctrl-C to a `speak` once `until(process)` is true; returns the exit code and standard error."""
    process = subprocess.Popen([*command, "speak", *arguments], cwd=folder, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: until(process) or process.poll() is not None, 120)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


@pytest.mark.parametrize("delay", [0.3, 1.5, 4.0])
def test_ctrl_c_while_loading_is_quiet(command, tmp_path, delay):
    """Ctrl-C during loading ends by the signal or with 130, without a traceback or a file."""
    start = time.monotonic()
    arguments = ["-o", "x.wav", (HELLO + " ") * 200]
    code, err = interrupted(command, tmp_path, lambda _: time.monotonic() - start > delay, arguments)
    assert code in (130, -signal.SIGINT)
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_megabyte_is_spoken_from_its_start_and_can_be_stopped(command, tmp_path, monkeypatch):
    """Speech of a 1 MB text is written before all of it is read, in bounded memory, by two processes.

    Ctrl-C leaves no file and no process: neither speech nor captions stay, although some words were already
    synthesized.
    """
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    text = tmp_path / "big.txt"
    text.write_text("The quick brown fox jumps over the lazy dog, and then it sleeps in the sun. " * 14_000)
    folder = tmp_path / "out"
    folder.mkdir()

    processes = []
    sizes = []

    def has_spoken(process):
        partial = [file.stat().st_size for file in folder.iterdir()]
        if sum(partial) > 100_000 and all(partial):
            processes[:] = psutil.Process(process.pid).children()
            sizes[:] = [each.memory_info().rss for each in (psutil.Process(process.pid), *processes)]
        return bool(sizes)

    code, err = interrupted(command, folder, has_spoken, ["-o", "x.wav", "--captions", "x.srt", "--file", text])
    assert code == 130, err
    assert err == ""
    assert list(folder.iterdir()) == []
    assert len(processes) == 2
    assert max(sizes) < 2 << 30
    assert not any(each.is_running() for each in processes)


def test_reader_that_goes_away_is_no_bug(command, tmp_path):
    """`speak -o - ... | head -c 1` ends without a traceback."""
    process = subprocess.Popen(
        [*command, "speak", "-q", "-o", "-", "--format", "pcm", (HELLO + " ") * 2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.read(1)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 1


def test_an_agent_without_a_voice_has_the_usual_one_without_the_daemon(run, tmp_path, monkeypatch):
    """Without the daemon, an agent without a voice gets the default one."""
    monkeypatch.setenv("SPEAKKIT_DAEMON", "1")
    result = run("speak", "--no-daemon", "--agent", "builder", "--json", "-o", tmp_path / "x.wav", "Yes.")
    assert (result.code, json.loads(result.out)["voice"]) == (0, "af_heart")
