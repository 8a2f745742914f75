"""`speak`, and `speakkit speak`: say a text, or write it to a file."""

from __future__ import annotations

import gc
import logging
import sys
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from speakkit import config
from speakkit.cli import complete, given, output
from speakkit.cli.error_handler import run
from speakkit.errors import BadValue, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakkit.audiofile import Sink
    from speakkit.speech.captions import Recorder
    from speakkit.speech.synthesize import Speaker
    from speakkit.text.chunks import Token
    from speakkit.voices import Voice

log = logging.getLogger(__name__)

TERMINAL_TEXT = 500
"""Characters from which on a progress bar is worth its lines."""


def _speed(given: str | float) -> float:
    try:
        return float(given)
    except ValueError:
        raise typer.BadParameter(f"{given!r} is no number; try 1.25") from None


def _more(*names: str, **settings: Any) -> Any:
    """An option of the second panel of --help."""
    return typer.Option(*names, rich_help_panel="More options", **settings)


Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="TEXT", show_default=False, help="What to say; - or a pipe reads standard input."),
]
VoiceName = Annotated[
    str | None,
    typer.Option(
        "--voice",
        "-v",
        metavar="VOICE",
        help="f1-f4, m1-m4, s1-s3, a name such as bf_emma, or a blend: af_bella(2)+af_sky(1).",
        autocompletion=complete.voices,
    ),
]
Speed = Annotated[
    float | None, typer.Option("--speed", "-s", parser=_speed, metavar="NUMBER", help="0.5 to 2.0; 1.0 by default.")
]
Target = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write a file, and do not play; - is standard output."),
]
Play = Annotated[bool, typer.Option("--play", help="Play as well, with --output.")]
Format = Annotated[
    str | None, _more("--format", help="wav, flac, mp3, ogg, opus or pcm; by default the ending of FILE.")
]
Raw = Annotated[bool, _more("--raw", help="Take nothing in the text for markup, such as Markdown.")]
CaptionFile = Annotated[
    str | None,
    _more("--captions", metavar="FILE", help="Write when each word is said: .srt, .vtt, .json, .tsv or .TextGrid."),
]
Seed = Annotated[int | None, _more("--seed", help="The same seed gives the same samples; 0 by default.")]
RunsOn = Annotated[config.Device | None, _more("--device", help="What to run on; auto by default.")]
SpokenBy = Annotated[
    config.Engine | None, _more("--engine", help="Who speaks; all but kokoro, the default, are clouds.")
]
Gemini = Annotated[bool, _more("--gemini", help="Short for --engine gemini.")]
Inworld = Annotated[bool, _more("--inworld", help="Short for --engine inworld.")]
Force = Annotated[bool, _more("--force", help="Overwrite a file that is no audio.")]
Json = Annotated[bool, _more("--json", help="Print what was done as JSON.")]
Quiet = Annotated[bool, _more("--quiet", "-q", help="Print nothing but errors.")]


def speak(
    words: Words = None,
    voice: VoiceName = None,
    speed: Speed = None,
    lang: given.Lang = None,
    target: Target = None,
    play: Play = False,
    file: given.TextFile = None,
    audio_format: Format = None,
    raw: Raw = False,
    captions: CaptionFile = None,
    seed: Seed = None,
    device: RunsOn = None,
    engine: SpokenBy = None,
    gemini: Gemini = False,
    inworld: Inworld = False,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say a text aloud, or write it to a file.

    speak --voice f1 "Hello from speakkit."

    speak -o hello.wav "Hello from speakkit."

    git log -1 | speak --speed 1.25

    speak --voice ff_siwis "Bonjour à tous."
    """
    settings = config.load()
    order = Order(
        text=given.text(words or [], file),
        file=file,
        raw=raw,
        voice=settings.voice if voice is None else voice,
        speed=settings.speed if speed is None else speed,
        lang=lang or settings.lang or None,
        seed=settings.seed if seed is None else seed,
        engine="gemini" if gemini else "inworld" if inworld else (engine or settings.engine).value,
        device=(device or settings.device).value,
        target=target,
        audio_format=audio_format,
        captions=captions,
        play=play or target is None,
        force=force,
        as_json=as_json,
        quiet=quiet,
    )
    raise typer.Exit(carry_out(order))


@dataclass(frozen=True)
class Order:
    """What one call of `speak` asks for.

    file: where `text` is from, if it is from a file; raw: nothing in it is markup
    lang: None for the voice's own; target: a file, "-" or None; audio_format: None for what `target` says
    captions: a file, or None
    """

    text: str
    file: Path | None
    raw: bool
    voice: str
    speed: float
    lang: str | None
    seed: int
    engine: str
    device: str
    target: str | None
    audio_format: str | None
    captions: str | None
    play: bool
    force: bool
    as_json: bool
    quiet: bool


def carry_out(order: Order) -> ExitCode:
    """Speak, show what was done, and return how it ended."""
    # Imported when something is to be spoken: they take longer to load than --help may take in all.
    from speakkit.engines import registry  # noqa: PLC0415
    from speakkit.speech import captions, synthesize  # noqa: PLC0415

    registry.require(order.engine)
    synthesize.checked_speed(order.speed)
    voice = synthesize.find_voice(order.voice, order.lang)
    registry.require_language(voice.language)
    if order.as_json and order.target == "-":
        raise BadValue("--json and -o - both want standard output; write to a file, or leave --json out")
    with ExitStack() as stack:
        open_sinks = _checked_sinks(order)
        _fetch_weights(voice, quiet=order.quiet)
        speaker = synthesize.speaker(voice, engine=order.engine, device=order.device)
        gc.freeze()  # else the collector would go through all that was loaded once more at the end
        # Opened first, to be written last, when nothing can be interrupted any more.
        recorder = stack.enter_context(captions.file(order.captions, order.text)) if order.captions else None
        sinks = [stack.enter_context(sink) for sink in open_sinks(speaker.synthesizer.sample_rate)]
        seconds, chunks, lost = _speak_into(sinks, recorder, speaker, order)
    receipt = {
        "output": order.target,
        "captions": order.captions,
        "seconds": round(seconds, 3),
        "voice": voice.name,
        "language": voice.language,
        "engine": order.engine,
        "weights": speaker.synthesizer.weights,
        "speed": order.speed,
        "seed": order.seed,
        "chunks": chunks,
        "lost": [{"text": token.text, "start": token.start} for token in lost],
    }
    _show(receipt, order)
    return ExitCode.LOST_WORDS if lost else ExitCode.DONE


def _checked_sinks(order: Order) -> Callable[[int], list[AbstractContextManager[Sink]]]:
    """Refuse now what could not be written or played later; how to open the sinks once the sample rate is known."""
    from speakkit import audiofile  # noqa: PLC0415
    from speakkit.playback.aloud import Aloud  # noqa: PLC0415
    from speakkit.speech import captions  # noqa: PLC0415

    target = order.target
    audio_format = audiofile.format_of(target, order.audio_format) if target is not None else ""
    if target == "-" and sys.stdout.isatty():
        raise BadValue("standard output is a terminal; pipe it to a player, or write a file with -o FILE")
    if target not in (None, "-"):
        audiofile.check_target(str(target), force=order.force)
    if order.captions is not None:
        captions.check_target(order.captions, force=order.force)
        if target is not None and Path(target).resolve() == Path(order.captions).resolve():
            raise BadValue(f"the speech and its captions cannot both be written to {target}")
    aloud = [Aloud(config.load().sink)] if order.play else []

    def open_sinks(sample_rate: int) -> list[AbstractContextManager[Sink]]:
        file = [audiofile.sink(target, audio_format, sample_rate)] if target is not None else []
        return [*file, *aloud]

    return open_sinks


def _fetch_weights(voice: Voice, *, quiet: bool) -> None:
    """Fetch what `voice` needs, with a progress bar, where it is not there yet."""
    from speakkit.engines import hub, packs  # noqa: PLC0415

    with output.progress(wanted=not quiet) as report:
        hub.ensure("kokoro", report)
        packs.ensure(voice, report)


def _speak_into(
    sinks: list[Sink], recorder: Recorder | None, speaker: Speaker, order: Order
) -> tuple[float, int, list[Token]]:
    """Speak into every sink, and tell the recorder. Returns seconds, chunks and the lost words, each of them named."""
    kind = given.markup(order.text, order.file, raw=order.raw)
    seconds, chunks = 0.0, 0
    lost: list[Token] = []
    with output.progress(wanted=not order.quiet and len(order.text) > TERMINAL_TEXT) as report:
        for segment in speaker.segments(order.text, speed=order.speed, seed=order.seed, markup=kind):
            for sink in sinks:
                sink.write(segment.audio)
            if recorder:
                recorder.add(segment)
            seconds += segment.audio.duration
            chunks += 1
            lost += segment.chunk.lost
            report("speaking", segment.chunk.tokens[-1].start, len(order.text))
    for token in lost:
        log.warning(
            "%r at character %d was not spoken: the voice %s cannot say it", token.text, token.start, order.voice
        )
    return seconds, chunks, lost


def _show(receipt: dict[str, Any], order: Order) -> None:
    if order.as_json:
        output.show_json(receipt)
    elif not order.quiet:
        where = f"{order.target}: " if order.target not in (None, "-") else ""
        output.say(f"{where}{receipt['seconds']:.1f} s by {receipt['voice']} (kokoro, weights {receipt['weights']})")


app = typer.Typer(
    add_completion=False, rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]}
)
app.command(cls=given.TextCommand)(speak)


def main() -> int:
    """The program `speak`."""
    return run(app, "speak")
