"""`speakkit doctor`: check whether speech works on this machine, and say what to type if it does not.

Each check is one function and yields one finding; `examine` sets the order. A fault that prevents speech to a file is
"failed"; any other fault is a "warning".
"""

import difflib
import os
import platform
import shlex
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from speakkit import __version__, audiofile, config, keys, paths, tomlfile, voices
from speakkit.audio import Audio
from speakkit.config import Settings
from speakkit.engines import hub, registry, voice_files, voice_packs
from speakkit.errors import ConfigError, EngineError, SpeakkitError
from speakkit.playback import media, sinks
from speakkit.playback.holding import Unreachable
from speakkit.progress import Report
from speakkit.speech import synthesize
from speakkit.speech_request import SpeechRequest
from speakkit.text.sentences import Sentence

SENTENCE = "Everything works on this machine."
"""The English sentence that is synthesized, and then transcribed."""

PYTHONS = ((3, 11), (3, 13))
"""Half-open range of supported Python versions (requires-python in pyproject.toml)."""

LEAST_FREE_MB = 2000
"""Megabytes of disk that all models take, with room for rebuilding them."""

ALIKE = 0.6
"""Lowest accepted similarity of the transcript to the sentence, between 0 and 1 (difflib's ratio)."""

QUIET = 0.05
"""Audio with a peak below this, of full scale, counts as silence."""


class CheckState(StrEnum):
    """The result of a check."""

    ok = "ok"
    warning = "warning"
    failed = "failed"


@dataclass(frozen=True)
class Finding:
    """The result of a check, as it is reported.

    check: the name of the check
    found: what is present, or what is wrong
    mend: what to type or do; "" if nothing is wrong
    """

    check: str
    state: CheckState
    found: str
    mend: str = ""


@dataclass(frozen=True)
class CheckResult:
    """The return value of a check function, from which `examine` makes a Finding.

    found: what is present, or what is wrong
    mend: what to type or do; None if nothing is wrong
    state: the state of this fault, if it differs from the check's usual one
    """

    found: str
    mend: str | None = None
    state: CheckState | None = None


Check = Callable[[], CheckResult]

Spoken = tuple[str, str, Audio]
"""The text that was spoken, its language (ISO 639-1), and the audio read back from the written file."""


def examine(report: Report, settings: Callable[[], Settings]) -> Iterator[Finding]:
    """Run every check lazily, one per finding.

    report: receives the progress of weights that are fetched
    settings: the current settings; may raise ConfigError, which fails the checks that need them
    """
    spoken: list[Spoken] = []
    checks: tuple[tuple[str, CheckState, Check], ...] = (
        ("system", CheckState.warning, _system),
        ("python", CheckState.failed, _python),
        ("command", CheckState.warning, _command),
        ("config", CheckState.failed, _config),
        ("keys", CheckState.warning, _keys),
        ("disk", CheckState.warning, _disk),
        ("torch", CheckState.warning, _torch),
        ("espeak", CheckState.failed, _espeak),
        ("weights", CheckState.failed, lambda: _weights(report)),
        ("voices", CheckState.warning, _voices),
        ("languages", CheckState.warning, _languages),
        ("speech", CheckState.failed, lambda: _speech(spoken, settings())),
        ("hearing", CheckState.warning, lambda: _hearing(spoken)),
        ("sound", CheckState.warning, lambda: _sound(settings())),
        ("media", CheckState.warning, lambda: _media(settings())),
    )
    for name, severity, check in checks:
        yield _finding(name, severity, check)


def _finding(name: str, severity: CheckState, check: Check) -> Finding:
    try:
        outcome = check()
    except SpeakkitError as error:
        found, _, mend = str(error).partition("; ")
        if isinstance(error, ConfigError) and not mend:
            mend = f"edit it by hand: {paths.config()}"
        return Finding(name, severity, found, mend.removeprefix("try: ") or "see Troubleshooting in the README")
    except Exception as error:  # noqa: BLE001  a check may fail in any way, and the others must still run
        what = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason given'}"
        return Finding(name, severity, what, "reinstall speakkit into a fresh virtual environment")
    state = CheckState.ok if outcome.mend is None else outcome.state or severity
    return Finding(name, state, outcome.found, outcome.mend or "")


def _system() -> CheckResult:
    kernel = f"{platform.system()} {platform.release()}, {platform.machine()}"
    if "microsoft" not in platform.release().lower():
        return CheckResult(kernel)
    if not os.environ.get("PULSE_SERVER"):
        return CheckResult(f"WSL, {kernel}, without WSLg's sound", "wsl --update    (in Windows; then: wsl --shutdown)")
    return CheckResult(f"WSL, {kernel}")


def _python() -> CheckResult:
    found = f"{platform.python_version()}, speakkit {__version__}, {sys.prefix}"
    first, beyond = PYTHONS
    if first <= sys.version_info[:2] < beyond:
        return CheckResult(found)
    return CheckResult(f"{found}: kokoro runs on Python 3.11 and 3.12 only", "uv tool install --python 3.12 speakkit")


def _command() -> CheckResult:
    """Check that `speak` on PATH is speakkit's: espeak and other packages install a program of that name."""
    found = [Path(folder) / "speak" for folder in os.get_exec_path()]
    programs = [program for program in found if os.access(program, os.X_OK) and program.is_file()]
    scripts = sysconfig.get_path("scripts")
    if not programs:
        return CheckResult("speak is not on PATH", f'export PATH="{scripts}:$PATH"')
    if _is_ours(programs[0]):
        return CheckResult(str(programs[0]))
    return CheckResult(
        f"another program named speak comes first on PATH: {programs[0]}",
        f'export PATH="{scripts}:$PATH"    (or type: speakkit speak)',
    )


def _is_ours(program: Path) -> bool:
    try:
        return b"speakkit" in program.read_bytes()[:4096]
    except OSError:
        return False


def _config() -> CheckResult:
    file = paths.config()
    given = [name for name, value in config.sourced_values().items() if value.source != "default"]
    found = f"{file}{'' if file.exists() else ' (not there)'}; set: {', '.join(given) or 'nothing'}"
    if file.exists() and file.stat().st_mode & 0o022:
        return CheckResult(
            f"other users can write to {file}", f"chmod go-w {shlex.quote(str(file))}", CheckState.warning
        )
    return CheckResult(found)


def _keys() -> CheckResult:
    tomlfile.read(paths.secrets(), private=True)  # check the file even if every key is in the environment
    found = {service: keys.find(service) for service in keys.VARIABLES}
    return CheckResult(", ".join(f"{service}: {key.source if key else 'none'}" for service, key in found.items()))


def _disk() -> CheckResult:
    folder = next(parent for parent in (paths.models(), *paths.models().parents) if parent.exists())
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < LEAST_FREE_MB:
        return CheckResult(
            f"{free} MB free in {folder}", "free some space, or move the cache: export SPEAKKIT_HOME=FOLDER"
        )
    return CheckResult(f"{free / 1000:.0f} GB free in {folder}")


def _torch() -> CheckResult:
    from speakkit.engines import device  # noqa: PLC0415  if torch does not load, that is a finding

    found = device.describe()
    if found.unused_gpu:
        return CheckResult(
            f"{found}: it cannot use the NVIDIA GPU of this machine",
            "nvidia-smi    (does the driver work? then: pip install --force-reinstall torch, a build with CUDA)",
        )
    if not found.is_tested:
        return CheckResult(f"{found}: not a release that speakkit was tested with", "pip install 'torch>=2.8,<2.14'")
    return CheckResult(str(found))


def _espeak() -> CheckResult:
    from speakkit.engines import espeak  # noqa: PLC0415  likewise

    return CheckResult(
        f"pronounces {espeak.INVENTED_WORD!r} as {' '.join(espeak.Espeak('en-us').say(espeak.INVENTED_WORD))}"
    )


def _weights(report: Report) -> CheckResult:
    installed = hub.ensure("kokoro", report)
    official = hub.MODELS["kokoro"].sources[0].label
    note = "" if installed.source == official else f"; for the {official} ones: speakkit models fetch --official kokoro"
    return CheckResult(f"{installed.source}, {installed.folder}{note}")


def _voices() -> CheckResult:
    own, broken = voice_files.own(), []
    for file in own.values():
        try:
            voice_packs.read(file)
        except SpeakkitError as error:
            broken.append(str(error))
    if broken:
        return CheckResult(
            broken[0], f"remove the file, or get it anew ({len(broken)} of {len(own)} packs of your own)"
        )
    ready, everything = voice_files.installed() & set(voices.profiles()), voices.profiles()
    mend = None if len(ready) == len(everything) else "speakkit voices fetch"
    return CheckResult(f"{len(ready)} of {len(everything)} installed, {len(own)} of your own", mend)


def _languages() -> CheckResult:
    missing = [language for language in registry.PHONEMIZERS if registry.missing_packages(language)]
    for language in set(registry.EXTRAS) - set(missing):
        with registry.phonemizer(language) as phonemizer:
            (outcome,) = phonemizer.phonemize([Sentence(voices.SAMPLES[language], 0)])
        if not all(token.phonemes for token in outcome.result()):
            return CheckResult(
                f"{language} is installed but produces no phonemes",
                f"pip install --force-reinstall 'speakkit[{language}]'",
            )
    ready = ", ".join(language for language in registry.PHONEMIZERS if language not in missing)
    extras = ",".join(registry.EXTRAS[language][0] for language in missing)
    note = f"; not installed: {', '.join(missing)} (pip install 'speakkit[{extras}]')" if missing else ""
    return CheckResult(ready + note)


def _speech(spoken: list[Spoken], settings: Settings) -> CheckResult:
    """Check that a sentence can be synthesized with the configured voice and written to a file."""
    registry.require(settings.engine.value)
    start = time.perf_counter()
    voice = synthesize.find_voice(settings.voice, settings.lang)
    text = SENTENCE if voice.language.startswith("en") else voices.SAMPLES[voice.language]
    request = SpeechRequest(text, settings.voice, settings.lang, device=settings.device.value, threads=settings.threads)
    with synthesize.speaker(request) as speaker:
        audio = speaker.utterance(request).audio
    took = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "doctor.wav"
        with audiofile.sink(str(file), "wav", audio.sample_rate) as sink:
            sink.write(audio)
        written = audiofile.read(file)
    if np.abs(written.samples).max() < QUIET:
        return CheckResult("the synthesized speech is silent", "speakkit models verify kokoro")
    spoken.append((text, voices.ISO_639_1[voice.language], written))
    return CheckResult(
        f"{written.duration:.1f} s of speech by {voice.name} to a file in {took:.1f} s, models loaded on the way"
    )


def _hearing(spoken: list[Spoken]) -> CheckResult:
    """Check that Whisper transcribes the sentence, on the GPU if there is one.

    The GPU is a source of faults: CTranslate2 needs CUDA 12 libraries beside the CUDA 13 ones of torch.
    """
    name = next((name for name in registry.RECOGNIZERS if hub.state(name).installed), None)
    if name is None:
        return CheckResult("no Whisper model is installed; to check speech: speakkit models fetch whisper-base")
    if not spoken:
        return CheckResult("there is no speech to transcribe", "mend the check speech first")
    ((text, language, audio),) = spoken
    try:
        with registry.recognizer(name) as recognizer:
            (heard,) = recognizer.transcribe([audio], language)
        transcript = heard.result()
    except (RuntimeError, ValueError, EngineError) as error:
        return CheckResult(f"{name} failed: {error}", "pip install 'speakkit[gpu]'")
    found = f"{name} on {recognizer.device} heard: {transcript.text}"
    # Whisper transcribes Hindi and Mandarin in other characters than those of the text.
    alike = difflib.SequenceMatcher(None, text.lower(), transcript.text.lower()).ratio()
    understood = language in ("hi", "zh") or alike > ALIKE
    return CheckResult(found, None if understood else "speakkit models verify")


def _sound(settings: Settings) -> CheckResult:
    return CheckResult(sinks.device(settings.sink))


def _media(settings: Settings) -> CheckResult:
    if not settings.media:
        return CheckResult("other media players are not paused: the setting media is off")
    try:
        seen = media.seen(settings.media_ignore)
    except Unreachable as error:
        return CheckResult(f"media players will not be paused: {error}")
    names = [f"{each.name} ({'ignored' if each.is_ignored else each.status or 'does not answer'})" for each in seen]
    return CheckResult(f"players: {', '.join(names) or 'none'}")


def speaks(findings: list[Finding]) -> bool:
    """Whether no check failed, so that speech to a file works."""
    return all(finding.state is not CheckState.failed for finding in findings)
