"""`speak` and `speakkit speak`: speak a text, or write it to a file."""

from __future__ import annotations

from dataclasses import replace as changed
from datetime import datetime
from typing import Annotated, Any

import typer
import typer.core

from speakkit import config
from speakkit.cli import agents, complete, output, request, text_input, via_daemon
from speakkit.cli.error_handler import run
from speakkit.cli.request import SpeakOutput
from speakkit.config import LONGEST_WAIT
from speakkit.daemon.queue import quiet_hours
from speakkit.daemon.queue.utterance import Interrupt, OnFull, Priority, QueueOptions
from speakkit.errors import BadValue
from speakkit.speech_request import SpeechRequest

TEXT, VOICE, OUTPUT, QUEUE, CONTROL = "Text", "Voice", "Output", "Queue", "Control"
"""Option panels in --help."""


def _speed(written: str | float) -> float:
    try:
        return float(written)
    except ValueError:
        raise typer.BadParameter(f"{written!r} is not a number; try 1.25") from None


def _option(group: str, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel=group, **settings)


Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="TEXT", show_default=False, help="Text to speak; - or a pipe reads standard input."),
]
Raw = Annotated[bool, _option(TEXT, "--raw", help="Read literally; ignore markup.")]
MaxSeconds = Annotated[
    float | None,
    _option(TEXT, "--max-seconds", min=1.0, metavar="N", help='Stop after about N seconds with "and so on".'),
]
VoiceName = Annotated[
    str | None,
    _option(
        VOICE,
        "--voice",
        "-v",
        metavar="VOICE",
        help="f1-f4, m1-m4, s1-s3, a name such as bf_emma, or a blend: af_bella(2)+af_sky(1).",
        autocompletion=complete.voices,
    ),
]
Speed = Annotated[
    float | None, _option(VOICE, "--speed", "-s", parser=_speed, metavar="NUMBER", help="0.5 to 2.0; default 1.0.")
]
Seed = Annotated[
    int | None,
    _option(
        VOICE,
        "--seed",
        min=0,
        max=config.MOST_SEED,
        metavar="N",
        help="The same seed gives the same samples; default 0.",
    ),
]
SpokenBy = Annotated[
    config.EngineName | None, _option(VOICE, "--engine", help="Engine: kokoro (local, default) or a cloud.")
]
Gemini = Annotated[bool, _option(VOICE, "--gemini", help="Short for --engine gemini.")]
Inworld = Annotated[bool, _option(VOICE, "--inworld", help="Short for --engine inworld.")]
RunsOn = Annotated[config.Device | None, _option(VOICE, "--device", help="Where to compute; default auto.")]
Threads = Annotated[
    int | None,
    _option(
        VOICE,
        "--threads",
        min=0,
        max=config.MOST_THREADS,
        metavar="N",
        help="Processor threads; samples depend on it. 0 (default): torch's own count, or 1 for a long text in a file.",
    ),
]
Target = Annotated[
    str | None,
    _option(OUTPUT, "--output", "-o", metavar="FILE", help="Write FILE instead of playing; - is standard output."),
]
Play = Annotated[bool, _option(OUTPUT, "--play", help="With --output: also play.")]
Format = Annotated[
    str | None,
    _option(OUTPUT, "--format", help="wav, flac, mp3, ogg, opus or pcm; default: the extension of FILE."),
]
CaptionFile = Annotated[
    str | None,
    _option(
        OUTPUT,
        "--captions",
        metavar="FILE",
        help="Write word timestamps to FILE: .srt, .vtt, .json, .tsv, .TextGrid or .lrc.",
    ),
]
Force = Annotated[bool, _option(OUTPUT, "--force", help="Overwrite a file that is not audio.")]
Show = Annotated[bool, _option(OUTPUT, "--show", help="Print the text, and highlight each word while it plays.")]
Json = Annotated[bool, _option(OUTPUT, "--json", help="Print the receipt as JSON.")]
Quiet = Annotated[bool, _option(OUTPUT, "--quiet", "-q", help="Print errors only.")]
Agent = Annotated[
    str | None,
    _option(QUEUE, "--agent", metavar="NAME", help="Agent name; default $SPEAKING_AGENT_ID, then the tmux session."),
]
Prio = Annotated[
    Priority | None, _option(QUEUE, "--priority", help="Priority: urgent interrupts; low and progress expire.")
]
Interrupts = Annotated[
    Interrupt, _option(QUEUE, "--interrupt", help="Cancel current and queued speech of this agent, or of all.")
]
Ttl = Annotated[
    float | None,
    _option(QUEUE, "--ttl", min=0, max=LONGEST_WAIT, metavar="SECONDS", help="Drop it if not started within SECONDS."),
]
Replace = Annotated[str, _option(QUEUE, "--replace", metavar="KEY", help="Replace a queued message with this KEY.")]
Dedupe = Annotated[
    str, _option(QUEUE, "--dedupe", metavar="KEY", help="Skip it if a message with this KEY is queued or spoken.")
]
WhenFull = Annotated[OnFull, _option(QUEUE, "--on-full", help="What to do when the queue is full.")]
Detach = Annotated[bool, _option(QUEUE, "--detach", help="Return when it is queued, before it is spoken.")]
KeepAlive = Annotated[
    float | None,
    _option(
        QUEUE,
        "--keep-alive",
        min=-1,
        max=LONGEST_WAIT,
        metavar="SECONDS",
        help="Keep the model loaded this long (0: unload now, -1: forever).",
    ),
]
NoMedia = Annotated[bool, _option(QUEUE, "--no-media", help="Don't pause other media players.")]
NoDaemon = Annotated[bool, _option(QUEUE, "--no-daemon", help="Bypass the daemon and the queue.")]
Stop = Annotated[bool, _option(CONTROL, "--stop", help="Stop all speech and clear everyone's queue.")]
Mute = Annotated[bool | None, _option(CONTROL, "--mute/--unmute", help="Mute until --unmute.")]


def speak(
    words: Words = None, file: text_input.TextFile = None, from_json: text_input.JsonPath = None, raw: Raw = False,
    max_seconds: MaxSeconds = None, voice: VoiceName = None, speed: Speed = None, lang: text_input.Lang = None,
    seed: Seed = None, engine: SpokenBy = None, gemini: Gemini = False, inworld: Inworld = False,
    device: RunsOn = None, threads: Threads = None, target: Target = None, play: Play = False,
    audio_format: Format = None, captions: CaptionFile = None, force: Force = False, show: Show = False,
    as_json: Json = False, quiet: Quiet = False, agent: Agent = None, priority: Prio = None,
    interrupt: Interrupts = Interrupt.none, ttl: Ttl = None, replace: Replace = "", dedupe: Dedupe = "",
    on_full: WhenFull = OnFull.error, detach: Detach = False, keep_alive: KeepAlive = None, no_media: NoMedia = False,
    no_daemon: NoDaemon = False, stop: Stop = False, mute: Mute = None,
) -> None:  # fmt: skip
    """Speak a text, or write it to a file.

    speak --voice f1 "Hello from speakkit."

    speak -o hello.wav "Hello from speakkit."

    git log -1 | speak --speed 1.25

    speak --voice ff_siwis "Bonjour à tous."
    """
    if stop or mute is not None:
        if words or file or from_json:
            raise BadValue("--stop, --mute and --unmute take no text; leave it out")
        raise typer.Exit(via_daemon.hush(agents.name(agent), stop=stop, mute=mute))
    settings, name = config.load(), agents.name(agent)
    persona = settings.agents.get(name) or agents.unnamed(name, settings)
    text = text_input.text(words or [], file, from_json)
    speech = SpeechRequest(
        text=text, voice=persona.voice if voice is None else voice, lang=lang or settings.lang,
        speed=next(each for each in (speed, persona.speed, settings.speed) if each is not None),
        seed=settings.seed if seed is None else seed, threads=settings.threads if threads is None else threads,
        engine="gemini" if gemini else "inworld" if inworld else (engine or settings.engine).value,
        device=(device or settings.device).value, markup=text_input.markup(text, file, raw=raw),
        keep_alive=keep_alive,
    )  # fmt: skip
    out = SpeakOutput(
        target, audio_format, captions, play=play or target is None, force=force, as_json=as_json, quiet=quiet
    )
    options = QueueOptions(
        priority=priority or Priority[persona.priority or "normal"], interrupt=interrupt, on_full=on_full,
        dedupe=dedupe, replace=replace, ttl=ttl, detach=detach, media="off" if no_media else "auto",
    )  # fmt: skip
    if max_seconds is not None:
        speech = request.cut(speech, max_seconds)
    in_turn = settings.daemon and not no_daemon
    out = _kept_quiet(out, settings.quiet_hours, is_urgent=in_turn and options.priority is Priority.urgent)
    if not out.play and out.target is None and out.captions is None:
        return
    if in_turn and speech.engine == config.EngineName.kokoro:
        raise typer.Exit(via_daemon.carry_out(speech, out, options, name, show=show))
    if in_turn and detach:
        raise BadValue(f"the engine {speech.engine} speaks in this process; leave --detach out")
    from speakkit.cli import in_process  # noqa: PLC0415  it loads torch

    raise typer.Exit(request.show(in_process.carry_out(speech, out), speech, out))


def now() -> datetime:
    """The current local time."""
    return datetime.now().astimezone()


def _kept_quiet(out: SpeakOutput, hours: str, *, is_urgent: bool) -> SpeakOutput:
    """Return `out`, without playback if it is quiet hours and the speech is not urgent.

    Raises BadValue if both the audio and the receipt would go to standard output.
    """
    if out.as_json and out.target == "-":
        raise BadValue("--json and -o - both write to standard output; write to a file, or leave --json out")
    if not out.play or is_urgent or not quiet_hours.is_quiet(hours, now().time()):
        return out
    if not out.quiet:
        output.say(f"quiet hours ({hours}): only --priority urgent is played")
    return changed(out, play=False)


app = typer.Typer(
    add_completion=False, rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]}
)
app.command(cls=text_input.TextCommand)(speak)


def main() -> int:
    """The program `speak`."""
    return run(app, "speak")
