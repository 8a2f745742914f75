"""`speak`, and `speakkit speak`: say a text, or write it to a file."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import typer
import typer.core

from speakkit import config
from speakkit.cli import agents, complete, output, request, text_input, via_daemon
from speakkit.cli.error_handler import run
from speakkit.cli.request import SpeakRequest
from speakkit.cli.via_daemon import Turn
from speakkit.config import LONGEST_WAIT
from speakkit.daemon.queue import quiet_hours
from speakkit.daemon.queue.utterance import Interrupt, OnFull, Priority
from speakkit.errors import BadValue, ExitCode


def _speed(written: str | float) -> float:
    try:
        return float(written)
    except ValueError:
        raise typer.BadParameter(f"{written!r} is no number; try 1.25") from None


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
Threads = Annotated[
    int | None,
    _more(
        "--threads",
        min=0,
        max=config.MOST_THREADS,
        metavar="N",
        help="Processor threads: part of the voice, as the seed is; 0, the default: as many as torch takes.",
    ),
]
RunsOn = Annotated[config.Device | None, _more("--device", help="What to run on; auto by default.")]
SpokenBy = Annotated[
    config.EngineName | None, _more("--engine", help="Who speaks; all but kokoro, the default, are clouds.")
]
Gemini = Annotated[bool, _more("--gemini", help="Short for --engine gemini.")]
Inworld = Annotated[bool, _more("--inworld", help="Short for --engine inworld.")]
Agent = Annotated[
    str | None, _more("--agent", metavar="NAME", help="Who speaks: turns are taken by agent; SPEAKING_AGENT_ID, tmux.")
]
Prio = Annotated[
    Priority | None, _more("--priority", help="How pressing it is; urgent cuts in, low and progress grow stale.")
]
Interrupts = Annotated[
    Interrupt, _more("--interrupt", help="End what this agent, or everybody, is saying or waits to.")
]
Ttl = Annotated[
    float | None,
    _more("--ttl", min=0, max=LONGEST_WAIT, metavar="SECONDS", help="Not worth hearing when it waited so long."),
]
Replace = Annotated[str, _more("--replace", metavar="KEY", help="Take the place of what waits under the same key.")]
Dedupe = Annotated[str, _more("--dedupe", metavar="KEY", help="Say it once, however often it is asked for.")]
WhenFull = Annotated[OnFull, _more("--on-full", help="What to do where too many wait already.")]
MaxSeconds = Annotated[
    float | None, _more("--max-seconds", min=1.0, metavar="N", help='Of a longer text the beginning, and "and so on".')
]
Detach = Annotated[bool, _more("--detach", help="Return as soon as it has its place in the queue.")]
Show = Annotated[bool, _more("--show", help="Show the text, and mark each word while it is heard.")]
KeepAlive = Annotated[
    float | None,
    _more(
        "--keep-alive",
        min=-1,
        max=LONGEST_WAIT,
        metavar="SECONDS",
        help="How long the model stays loaded after it; 0: not, -1: for ever.",
    ),
]
NoMedia = Annotated[bool, _more("--no-media", help="Let other people's music play on.")]
NoDaemon = Annotated[bool, _more("--no-daemon", help="Speak in this process, in turn with nobody.")]
Stop = Annotated[bool, _more("--stop", help="End all that is spoken or waits, whoever's it is.")]
Mute = Annotated[bool | None, _more("--mute/--unmute", help="Let nothing be heard, until it is undone.")]
Force = Annotated[bool, _more("--force", help="Overwrite a file that is no audio.")]
Json = Annotated[bool, _more("--json", help="Print what was done as JSON.")]
Quiet = Annotated[bool, _more("--quiet", "-q", help="Print nothing but errors.")]


def speak(
    words: Words = None, voice: VoiceName = None, speed: Speed = None, lang: text_input.Lang = None,
    target: Target = None, play: Play = False, file: text_input.TextFile = None,
    from_json: text_input.JsonPath = None, audio_format: Format = None,
    raw: Raw = False, captions: CaptionFile = None, seed: Seed = None, threads: Threads = None, device: RunsOn = None,
    engine: SpokenBy = None, gemini: Gemini = False, inworld: Inworld = False, agent: Agent = None,
    priority: Prio = None, interrupt: Interrupts = Interrupt.none, ttl: Ttl = None, replace: Replace = "",
    dedupe: Dedupe = "", on_full: WhenFull = OnFull.error, max_seconds: MaxSeconds = None, detach: Detach = False,
    show: Show = False, keep_alive: KeepAlive = None, no_media: NoMedia = False, no_daemon: NoDaemon = False,
    stop: Stop = False, mute: Mute = None, force: Force = False, as_json: Json = False, quiet: Quiet = False,
) -> None:  # fmt: skip
    """Say a text aloud, or write it to a file.

    speak --voice f1 "Hello from speakkit."

    speak -o hello.wav "Hello from speakkit."

    git log -1 | speak --speed 1.25

    speak --voice ff_siwis "Bonjour à tous."
    """
    settings = config.load()
    if stop or mute is not None:
        if words or file:
            raise BadValue("--stop, --mute and --unmute say nothing; leave the text out")
        raise typer.Exit(via_daemon.hush(agents.name(agent), stop=stop, mute=mute))
    speaks = agents.name(agent)
    persona = settings.agents.get(speaks) or agents.unnamed(speaks, settings)
    asked = SpeakRequest(
        text=text_input.text(words or [], file, from_json), file=file, raw=raw, lang=lang or settings.lang or None,
        voice=persona.voice if voice is None else voice,
        speed=next(each for each in (speed, persona.speed, settings.speed) if each is not None),
        seed=settings.seed if seed is None else seed,
        threads=settings.threads if threads is None else threads,
        engine="gemini" if gemini else "inworld" if inworld else (engine or settings.engine).value,
        device=(device or settings.device).value,
        target=target, audio_format=audio_format, captions=captions, keep_alive=keep_alive,
        play=play or target is None, force=force, as_json=as_json, quiet=quiet,
    )  # fmt: skip
    if max_seconds is not None:
        asked = request.cut(asked, max_seconds)
    turn = Turn(
        speaks, priority or Priority[persona.priority or "normal"], interrupt, ttl=ttl, replace=replace, dedupe=dedupe,
        on_full=on_full, detach=detach, show=show, media=not no_media,
    )  # fmt: skip
    raise typer.Exit(carry_out(asked, turn if settings.daemon and not no_daemon else None))


def now() -> datetime:
    """By the clock on the wall."""
    return datetime.now().astimezone()


def carry_out(asked: SpeakRequest, turn: Turn | None) -> ExitCode:
    """Have it spoken, show what was done, and return how it ended. turn: None for in this process alone."""
    if asked.as_json and asked.target == "-":
        raise BadValue("--json and -o - both want standard output; write to a file, or leave --json out")
    is_urgent = turn is not None and turn.priority is Priority.urgent
    if asked.play and not is_urgent and quiet_hours.is_quiet(silent := config.load().quiet_hours, now().time()):
        if not asked.quiet:
            output.say(f"nothing is heard in the quiet hours, {silent}; --priority urgent is")
        if asked.target is None and asked.captions is None:
            return ExitCode.DONE
        asked = replace(asked, play=False)
    if turn is not None and asked.engine == config.EngineName.kokoro:
        return via_daemon.carry_out(asked, turn)
    if turn is not None and turn.detach:
        raise BadValue(f"the engine {asked.engine} speaks in this process; leave --detach out")
    from speakkit.cli import in_process  # noqa: PLC0415  start-up: it is needed here alone

    return request.show(in_process.carry_out(asked), asked)


app = typer.Typer(
    add_completion=False, rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]}
)
app.command(cls=text_input.TextCommand)(speak)


def main() -> int:
    """The program `speak`."""
    return run(app, "speak")
