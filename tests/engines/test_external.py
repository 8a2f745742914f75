"""Tests of external engines: whatever a command does, each clip gets its transcript or one line that says why not."""

import gc
import importlib
import json
import shutil
import subprocess
import sys
import tempfile
from os import environ
from pathlib import Path

import numpy as np
import psutil
import pytest

from speakkit.audio import Audio
from speakkit.engines import environments, installing, registry
from speakkit.engines.external import External
from speakkit.engines.recipes import RECIPES, adapters
from speakkit.errors import BadValue, ConfigError, EngineError, NetworkError, StorageError
from speakkit.transcript import Transcript, Word
from speakkit.workers.worker import Limits
from waiting import wait_until

LIAR = Path(__file__).parent / "liar.py"
TRANSCRIPT = Transcript(
    "Hello world.", "en", (Word("hello", 0.1, 0.4, 0.9), Word("world", 0.4, 1.0, 0.0)), raw_text=" Hello world."
)


def clips(count):
    """Clips of about a second, each a sample longer than the one before; those of whole seconds end at 1.0 exactly."""
    return [Audio(np.full(16_000 + number, 0.5, np.float32), 16_000) for number in range(count)]


@pytest.fixture
def lying(tmp_path):
    """lying(*answers, **limits) returns an external engine that answers clip n as the nth of `answers` says."""
    engines = []

    def start(*answers, device="auto", **limits):
        definition = environments.Definition((sys.executable, "-S", str(LIAR), *answers), version="1", licence="MIT")
        engines.append(External("external:liar", tmp_path, definition, device, Limits(**limits)))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()


def told(engine, count, language="en"):
    """The transcript, or the error as text, of each of `count` clips."""
    given = clips(count)
    outcomes = list(engine.transcribe(given, language))
    assert all(outcome.item is clip for outcome, clip in zip(outcomes, given, strict=True))
    assert all(type(outcome.error) in (EngineError, type(None)) for outcome in outcomes)
    return [outcome.value or str(outcome.error) for outcome in outcomes]


FAULTS = {
    "error": r"no speech\nin \x1b[31mit",
    "other id": "it answered 'someone else', which was not asked",
    "id of a number": "it wrote what is no answer (Expected `str`, got `int` - at `$.id`): {",
    "no id": "it wrote what is no answer (Object missing required field `id`): {",
    "no JSON": "it wrote what is no answer (JSON is malformed: invalid character (byte 0)): Hello world.; write all",
    "a list": "it wrote what is no answer (Expected `object`, got `array`): []",
    "two at once": "it wrote what is no answer (JSON is malformed: trailing characters (byte 13))",
    "deep": "it wrote what is no answer (maximum recursion depth",
    "noise": "it wrote what is no answer (JSON is malformed: invalid character (byte 0)): Loading the model...",
    "NaN": "it wrote what is no answer (JSON is malformed",
    "huge": "its answer is no transcript: Number out of range - at `$.words[0].start`",
    "disorder": "its words are not in the order of time",
    "backwards": "its word 1 ends before it starts",
    "before": "its answer is no transcript: Expected `float` >= 0.0 - at `$.words[0].start`",
    "beyond": "its word 1 is at 1.20 s of a clip of 1.00 s",
    "far beyond": "its word 1 is at 9.00 s of a clip of 1.00 s",
    "too sure": "its answer is no transcript: Expected `float` <= 1.0 - at `$.words[0].confidence`",
    "blank word": "its answer is no transcript: Expected `str` matching regex",
    "text of a number": "its answer is no transcript: Expected `str`, got `int` - at `$.text`",
    "no text": "its answer is no transcript: Expected `str`, got `null` - at `$.text`",
    "odd language": "its answer is no transcript: Expected `str` matching regex",
    "language and more": "its answer is no transcript: Expected `str` matching regex",
    "half": "it wrote what is no answer (Input data was truncated)",
}
"""Answer -> how the error of its clip begins, after the names of the engine and the clip."""


def test_lies_are_the_errors_of_their_clips(lying):
    """Each invalid answer is one line that names the engine and the clip; all other clips get their transcripts."""
    answers = [each for fault in FAULTS for each in (fault, "well")]
    engine = lying(*answers)
    pid = engine._worker.pid
    heard = told(engine, len(answers))
    for number, (answer, found) in enumerate(zip(answers, heard, strict=True), 1):
        if answer == "well":
            assert isinstance(found, Transcript), found
        else:
            assert found.startswith(f"external:liar, clip {number}: {FAULTS[answer]}")
            assert found.isprintable()
            assert len(found) < 700
    assert heard[1].text == TRANSCRIPT.text
    assert engine._worker.pid == pid


def test_a_transcript_has_all_that_was_answered(lying):
    """Words come with their times, within the clip, and confidences; the identity says what is known."""
    engine = lying("well")
    assert told(engine, 1) == [TRANSCRIPT]
    assert (engine.identity.name, engine.identity.version, engine.identity.licence) == ("external:liar", "1", "MIT")
    assert not engine.identity.deterministic


def test_what_a_command_is_given(lying):
    """The clip is a 16-bit wav file in a private folder, removed afterwards; "language" may be null."""
    for language in ("fr", None):
        (found,) = told(lying("path"), 1, language)
        request, mode, form = json.loads(found.text)
        assert request == {"id": "1", "path": request["path"], "language": language}
        assert (mode, form) == ("700", [1, 2, 16_000])
        assert found.language == "fr"
        assert not Path(request["path"]).parent.exists()


def test_the_language_must_be_known(lying):
    """If neither the caller nor the command names the language, that is an error."""
    assert told(lying("well"), 1, None) == ["external:liar, clip 1: its answer names no language, and none was given"]


def test_late_answers_are_dropped(lying):
    """A second answer to an earlier request is not taken for the answer to this one."""
    assert [found.text for found in told(lying("well", "late"), 2)] == ["Hello world.", "in time"]


ENDS = {
    "exit": "it ended with exit code 3: KeyError: 'x'",
    "signal": "it was ended by SIGSEGV",
    "close": "it ended with exit code 1: it closed its standard input or output",
    "hang": "it made no progress for 1.5 s",
    "blow": "it ended with exit code 1: it answered more than 16 MB",
}


def test_who_dies_is_restarted(lying):
    """A command that exits, crashes, hangs, closes its output or floods it costs its clip, and no other one."""
    answers = [each for end in ENDS for each in (end, "well")]
    engine = lying(*answers, silence_s=1.5, retries=0)
    heard = told(engine, len(answers))
    assert heard[::2] == [f"external:liar, clip {2 * n + 1}: {ends}" for n, ends in enumerate(ENDS.values())]
    assert [found.text for found in heard[1::2]] == ["Hello world."] * len(ENDS)


def test_a_death_that_does_not_repeat_costs_nothing(lying):
    """A clip whose process died is given to a fresh one."""
    assert told(lying("exit once"), 1)[0].text == "Hello world."


def test_many_poisoned_clips_do_not_stop_the_others(lying):
    """An engine that answers a clip that it answered before is not given up, however many clips in a row end it."""
    engine = lying("well", *["exit"] * 3, "well", retries=0, deaths=2)
    heard = told(engine, 5)
    assert [isinstance(found, Transcript) for found in heard] == [True, False, False, False, True]


def test_a_broken_engine_is_given_up(lying):
    """An engine that never answered is not started again and again."""
    heard = told(lying(*["exit"] * 4, retries=0, deaths=2), 4)
    assert "given up" not in heard[1]
    assert heard[2:] == [
        f"external:liar, clip {n}: {ENDS['exit']}; it is given up, after 2 deaths in a row" for n in (3, 4)
    ]


def test_nothing_is_left(lying, tmp_path, monkeypatch):
    """After `close` neither the process nor the command runs, no file is left, and clips fail."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    engine = lying("well", "well")
    told(engine, 1)
    family = [psutil.Process(engine._worker.pid), *psutil.Process(engine._worker.pid).children(recursive=True)]
    assert len(family) == 2
    engine.close()
    gc.collect()
    wait_until(lambda: not any(process.is_running() and process.status() != "zombie" for process in family))
    assert list(tmp_path.iterdir()) == []
    assert told(engine, 1) == ["external:liar, clip 2: it was closed before it answered"]


def test_a_clip_that_no_file_can_hold(lying):
    """A clip with an invalid rate fails alone."""
    engine = lying("well")
    outcomes = list(engine.transcribe([Audio(np.zeros(5, np.float32), 0), *clips(1)], "en"))
    assert str(outcomes[0].error) == "external:liar, clip 1: a wav file cannot hold it: sampling rate not specified"
    assert outcomes[1].value == TRANSCRIPT


def test_the_variables_of_a_command(lying, tmp_path, monkeypatch):
    """Folders of another Python are not passed on; "cpu" hides GPUs; `offline` reaches the clients of the Hub."""
    monkeypatch.setenv("PYTHONPATH", f"{environ.get('PYTHONPATH', '')}:/elsewhere")
    monkeypatch.setenv("SPEAKKIT_OFFLINE", "1")
    (found,) = told(lying("environment", device="cpu"), 1)
    variables = json.loads(found.text)
    assert "PYTHONPATH" not in variables
    assert variables["PATH"].startswith(f"{tmp_path}/venv/bin:")
    assert (variables["CUDA_VISIBLE_DEVICES"], variables["HF_HUB_OFFLINE"]) == ("", "1")


@pytest.fixture
def defined(tmp_path, monkeypatch):
    """defined(text) writes the definition of the engine "mine"."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))

    def write(text):
        folder = tmp_path / "data" / "environments" / "mine"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "engine.toml").write_text(text)

    return write


def test_an_engine_of_ones_own_is_one_small_file(defined):
    """An engine.toml with a command defines an engine; it is lent, and shared."""
    defined(f'command = ["{sys.executable}", "{LIAR}", "well"]')
    with registry.recognizer("external:mine", "cpu") as engine, registry.recognizer("external:mine", "cpu") as same:
        assert same is engine
        assert told(engine, 1) == [TRANSCRIPT]
        engine.close()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("command = []", "engine.toml cannot be used: expected `array` of length >= 1 - at `$.command`"),
        ("comand = ['x']", "engine.toml cannot be used: object contains unknown field `comand`"),
        ("command = 'x'", "engine.toml cannot be used: expected `array`, got `str` - at `$.command`"),
        ("command =", "engine.toml is not TOML"),
    ],
)
def test_an_invalid_definition_is_named(defined, text, error):
    """An invalid engine.toml is one line with the file and the key."""
    defined(text)
    with pytest.raises(ConfigError) as raised, registry.recognizer("external:mine"):
        pass
    assert error in str(raised.value)


def test_engines_that_are_not_there(defined):
    """An unknown engine, a name that leads elsewhere and a command that does not exist are errors in loading."""
    defined('command = ["no-such-command"]')
    for name, error, line in [
        ("external:other", BadValue, "there is no external engine 'other'; there are mine; create it: speakkit models"),
        ("external:../mine", BadValue, "an environment cannot be named '../mine'"),
        ("external:", BadValue, "an environment cannot be named ''"),
        ("external:mine", EngineError, "external:mine cannot be started: cannot run no-such-command: no such file"),
    ]:
        with pytest.raises(error) as raised, registry.recognizer(name):
            pass
        assert str(raised.value).startswith(line)


def test_recipes_are_pinned_and_compile():
    """Each requirement of a recipe has one version; its adapter is Python."""
    for name, recipe in RECIPES.items():
        lines = [line.split("#")[0].strip() for line in recipe.requirements.read_text().splitlines()]
        pins = [line for line in lines if line and not line.startswith("--")]
        assert pins
        assert all("==" in pin for pin in pins)
        for file in adapters(name):
            compile(file.read_text(), file.name, "exec")
        assert "unverified" in recipe.about


ADAPTER = """
from wire import serve

def load():
    print("loading")
    def answer(request):
        print("noise")
        return {"text": str(1 / float(request["text"])), "nan": float(request["text"])}
    return answer

serve(load)
"""


def test_the_wire_of_adapters(tmp_path):
    """What an adapter prints goes to standard error, and an error of a request becomes its answer."""
    shutil.copy(adapters("utmosv2")[1], tmp_path)
    (tmp_path / "adapter.py").write_text(ADAPTER)
    asked = "".join(json.dumps({"id": str(n), "text": text}) + "\n" for n, text in enumerate(["2", "nan", "x"]))
    ran = subprocess.run(
        [sys.executable, "adapter.py"], cwd=tmp_path, input=asked, capture_output=True, text=True, check=True
    )
    assert [json.loads(line) for line in ran.stdout.splitlines()] == [
        {"id": "0", "text": "0.5", "nan": 2.0},
        {"id": "1", "error": "ValueError: Out of range float values are not JSON compliant"},
        {"id": "2", "error": "ValueError: could not convert string to float: 'x'"},
    ]
    assert ran.stderr.split() == ["loading", *["noise"] * 3]


def test_words_of_nemo(monkeypatch):
    """NeMo's words get their confidences only if there are as many of them, and if they are finite."""
    monkeypatch.syspath_prepend(str(adapters("parakeet-nemo")[0].parent))
    nemo = importlib.import_module("parakeet_nemo")
    stamps = [{"word": "a", "start": 0, "end": 0.08, "char": "a"}, {"word": "b", "start": 0.16, "end": 0.24}]
    found = nemo.words(stamps, [0.5, float("nan")])
    assert found == [
        {"text": "a", "start": 0.0, "end": 0.08, "confidence": 0.5},
        {"text": "b", "start": 0.16, "end": 0.24, "confidence": None},
    ]
    for confidences in ([0.5], None):
        assert [word["confidence"] for word in nemo.words(stamps, confidences)] == [None, None]


REFUSED = (
    "after connection broken by 'NewConnectionError('<pip.HTTPConnection object at 0x7f>: Failed to establish a new "
    "connection: [Errno 111] Connection refused')': /simple/tiny/"
)
NONE = [
    "ERROR: Could not find a version that satisfies the requirement tiny==1.0 (from versions: none)",
    "ERROR: No matching distribution found for tiny==1.0",
]


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        ([f"WARNING: Retrying (Retry(total=4, connect=None)) {REFUSED}", *NONE], EngineError, " ".join(NONE)),
        (
            [f"WARNING: Retrying (Retry(total={n}, connect=None)) {REFUSED}" for n in (1, 0)] + NONE,
            NetworkError,
            f"a server cannot be reached, or does not answer: {REFUSED[6:]} {' '.join(NONE)}"[:348],
        ),
        (
            [
                "Collecting tiny",
                "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            ],
            StorageError,
            "the disk is full: ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        ),
        (["Looking in indexes: https://me:secret@host", "Killed"], EngineError, "Killed"),
        (["error: Failed to fetch: https://me:secret@host/x"], EngineError, "error: Failed to fetch: https://host/x"),
        ([], EngineError, "exit code 9"),
    ],
)
def test_the_reason_of_an_installer(said, error, message):
    """A failure of an installer has its reason, without passwords; a fault of the network is told from others."""
    failure = installing._failure(said, 9)
    assert type(failure) is error
    assert str(failure) == message
