"""An order carried out by the daemon: in turn with all others of this user, by a voice that is loaded already."""

from __future__ import annotations

import logging
import shutil
import sys
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from speakkit import config, paths
from speakkit.cli import output
from speakkit.cli import request as orders
from speakkit.cli.karaoke import Karaoke
from speakkit.cli.request import LONG, LostWord, Receipt
from speakkit.daemon.queue.actions import Result
from speakkit.daemon.queue.utterance import Interrupt, OnFull, Priority
from speakkit.daemon.wire import client
from speakkit.daemon.wire.client import RequestRefused
from speakkit.daemon.wire.messages import Accepted, AudioChunk, Finished, Hearing
from speakkit.daemon.wire.protocol import TEXT, Code
from speakkit.errors import BadValue, DaemonError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speakkit.cli.request import SpeakRequest
    from speakkit.daemon.wire.client import Client
    from speakkit.daemon.wire.messages import Event

log = logging.getLogger(__name__)

ENDS = {
    Result.interrupted: "another utterance interrupted it",
    Result.replaced: "a newer one took its place",
    Result.skipped: "it was skipped",
    Result.expired: "it waited for too long, and was not spoken",
}
"""What is said of an utterance that was not played, and did not fail."""


@dataclass(frozen=True)
class Turn:
    """When an utterance is to be heard: as `daemon.utterance.Utterance` has it."""

    agent: str
    priority: Priority
    interrupt: Interrupt
    ttl: float | None
    replace: str
    dedupe: str
    on_full: OnFull
    detach: bool
    show: bool
    media: bool

    @property
    def fields(self) -> dict[str, Any]:
        """Of a request."""
        said = {**asdict(self), "prio": self.priority, "media": "auto" if self.media else "off"}
        return {key: value for key, value in said.items() if key not in ("agent", "priority") and value is not None}


class NotSpoken(DaemonError):
    """It was not heard, or not to its end."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = next(code for code in ExitCode if code == exit_code)


def carry_out(order: SpeakRequest, turn: Turn) -> ExitCode:
    """Have it written and spoken, show what was done, and return how it ended."""
    config.checked_speed(order.speed)
    is_long = len(order.text.encode()) > TEXT
    if is_long and order.play:
        raise BadValue(f"a text of over {TEXT >> 20} MB is not spoken at once; write it to a file with -o, or split it")
    made = None
    if order.captions or (is_long and order.target):
        from speakkit.cli import in_process  # noqa: PLC0415  start-up: it is needed here alone

        made = in_process.carry_out(replace(order, play=False))
    _fetch(order)
    if order.play or made is None:
        with client.connect(turn.agent, "speak") as daemon:
            if order.target is not None and made is None:
                made = _written(daemon, order)
            if order.play:
                made = _spoken(daemon, order, turn)
    return orders.show(made, order) if made else ExitCode.DONE


def hush(agent: str, *, stop: bool, mute: bool | None) -> ExitCode:
    """End what is spoken and waits, and mute or unmute what comes. Where nothing runs, there is nothing to end."""
    daemon = client.running(agent, "speak") if mute is None else client.connect(agent, "speak")
    if daemon is None:
        return ExitCode.DONE
    with daemon:
        if stop:
            list(daemon.request("clear", scope="all"))
        if mute is not None:
            list(daemon.request("mute" if mute else "unmute"))
    return ExitCode.DONE


def say_again(agent: str, back: int, target: str | None, *, force: bool) -> ExitCode:
    """Have what was heard said again, or written to `target`."""
    from speakkit import audiofile  # noqa: PLC0415  start-up: it loads numpy

    if target is not None and target != "-":
        audiofile.check_target(target, force=force)
    with client.connect(agent) as daemon:
        events = daemon.request("again", back=back, stream=target is not None)
        if target is not None:
            end = _recorded(events, target, audiofile.format_of(target, None))
        else:
            (end,) = (event for event in events if isinstance(event, Finished))
    if end.result is not Result.played:
        raise _unspoken(end)
    return ExitCode.DONE


def _fetch(order: SpeakRequest) -> None:
    """Have the weights fetched here, where they are seen to be: it is done once."""
    if not (paths.models() / "kokoro").is_dir() and config.load().models is None:
        from speakkit.cli import in_process  # noqa: PLC0415  start-up: it is needed here alone
        from speakkit.speech import synthesize  # noqa: PLC0415

        in_process.fetch_weights(synthesize.find_voice(order.voice, order.lang), quiet=order.quiet)


def _script(order: SpeakRequest) -> dict[str, Any]:
    """The fields of a request that say how a text is to be spoken."""
    return {
        "voice": order.voice,
        "lang": order.lang or "",
        "speed": order.speed,
        "seed": order.seed,
        "threads": order.threads,
        "engine": order.engine,
        "device": order.device,
        "raw": order.raw,
        "suffix": order.file.suffix if order.file else "",
        "keep_alive": order.keep_alive,
    }


def _spoken(daemon: Client, order: SpeakRequest, turn: Turn) -> Receipt | None:
    """Speak, and wait until it has been heard; None where nobody waits."""
    fields, text = {**_script(order), **turn.fields}, order.text.encode()
    while True:
        try:
            if turn.detach:
                _show_place(daemon.place("speak", text, **fields), order)
                return None
            return _receipt(_followed(daemon.request("speak", text, **fields), order, shows=turn.show), order)
        except RequestRefused as error:
            if error.code is not Code.busy or turn.on_full is not OnFull.wait:
                raise
            time.sleep((error.retry_ms or 1000) / 1000)


def _followed(events: Iterator[Event], order: SpeakRequest, *, shows: bool) -> Finished:
    """Wait for the end; on a terminal, show each word while it is heard."""
    shown = (
        Karaoke(order.text, sys.stdout, shutil.get_terminal_size().columns) if shows and sys.stdout.isatty() else None
    )
    try:
        for event in events:
            if isinstance(event, Hearing) and shown:
                shown.at(event.start, event.end)
            elif isinstance(event, Finished):
                return event
    finally:
        if shown:
            shown.close()
    raise DaemonError("the daemon said nothing of how it ended")


def _written(daemon: Client, order: SpeakRequest) -> Receipt:
    """Write what the daemon's voice says."""
    target = str(order.target)
    audio_format = orders.checked_target(target, order.audio_format, force=order.force)
    events = daemon.request("synth", order.text.encode(), **_script(order))
    is_long = not order.quiet and len(order.text) >= LONG
    told = f"speaking with {order.engine}" if is_long else ""
    receipt = _receipt(_recorded(events, target, audio_format, told), order)
    assert receipt  # a stream is neither muted nor cut off
    return receipt


def _recorded(events: Iterator[Event], target: str, audio_format: str, told: str = "") -> Finished:
    """Write the samples among `events`, whole or not at all. Returns the last of them.

    told: what the progress bar says; "" for no bar
    """
    import numpy as np  # noqa: PLC0415  start-up: what is heard needs none of these

    from speakkit import audiofile  # noqa: PLC0415
    from speakkit.audio import Audio as Sound  # noqa: PLC0415
    from speakkit.playback import pcm  # noqa: PLC0415

    with audiofile.sink(target, audio_format, pcm.RATE) as out, output.progress(wanted=bool(told)) as report:
        for event in events:
            if isinstance(event, AudioChunk):
                out.write(Sound(np.frombuffer(event.payload, "<f4"), event.rate))
                report(told, event.seq, None)
            elif isinstance(event, Finished):
                if event.result is Result.failed:
                    raise _unspoken(event)
                return event
    raise DaemonError("the daemon said nothing of how it ended")


def _receipt(event: Finished, order: SpeakRequest) -> Receipt | None:
    """What a person is told of an end. Raises Unspoken where it was none that is well."""
    for warning in event.warnings[:-1] if event.result is Result.failed else event.warnings:
        log.warning("%s", warning)
    if event.code is Code.muted:
        log.warning("nothing is heard while speech is muted; end that with: speak --unmute")
        return None
    if event.result is Result.failed or event.result in ENDS:
        raise _unspoken(event)
    return Receipt(
        engine=event.facts.get("engine", order.engine),
        seconds=event.audio_ms / 1000,
        voice=str(event.facts.get("voice", "")),
        language=str(event.facts.get("language", "")),
        weights=str(event.facts.get("weights", "")),
        threads=int(event.facts.get("threads", 0)),
        chunks=int(event.facts.get("chunks", 0)),
        lost=tuple(LostWord(order.text[span.start : span.end], span.start) for span in event.lost),
    )


def _unspoken(event: Finished) -> NotSpoken:
    """Why it was not played; what failed says so in its last warning."""
    return NotSpoken(ENDS.get(event.result) or next(reversed(event.warnings), f"it failed: {event.code}"), event.exit)


def _show_place(event: Event, order: SpeakRequest) -> None:
    """Where it stands in the queue, for those who do not wait."""
    if not isinstance(event, Accepted):
        return  # it has ended, as where speech is muted
    if order.as_json:
        output.show_json({"id": event.id, "position": event.pos, "eta": (event.eta_ms or 0) / 1000})
    elif not order.quiet:
        output.say(f"accepted, {event.pos} before it" if event.pos else "accepted, and next")
