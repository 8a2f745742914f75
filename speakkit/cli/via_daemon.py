"""Speak a request through the daemon, which has the model loaded and queues the speech of all programs of the user."""

from __future__ import annotations

import logging
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec

from speakkit import config, paths
from speakkit.cli import output
from speakkit.cli import request as requests
from speakkit.cli.karaoke import Karaoke
from speakkit.cli.request import LONG, LostWord, Receipt, SpeakOutput
from speakkit.daemon.queue.actions import Result
from speakkit.daemon.queue.utterance import OnFull
from speakkit.daemon.wire import client
from speakkit.daemon.wire.client import RequestRefused
from speakkit.daemon.wire.messages import Accepted, Finished, Hearing
from speakkit.daemon.wire.protocol import TEXT, Code
from speakkit.errors import BadValue, DaemonError, ExitCode
from speakkit.voices import ALIASES, PACKAGED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speakkit.daemon.queue.utterance import QueueOptions
    from speakkit.daemon.wire.client import Client
    from speakkit.daemon.wire.messages import Event
    from speakkit.speech_request import SpeechRequest

log = logging.getLogger(__name__)

ENDS = {
    Result.interrupted: "another utterance interrupted it",
    Result.replaced: "a newer one took its place",
    Result.skipped: "it was skipped",
    Result.expired: "it waited for too long, and was not spoken",
}
"""Result, other than `played` and `failed` -> error message."""


class NotSpoken(DaemonError):
    """The utterance was not played, or not completely."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = next(code for code in ExitCode if code == exit_code)


def carry_out(request: SpeechRequest, out: SpeakOutput, options: QueueOptions, agent: str, *, show: bool) -> ExitCode:
    """Write and play the speech, print the receipt, and return the exit code.

    show: on a terminal, print the text and highlight each word while it plays
    Raises BadValue, StorageError or another SpeakkitError, and NotSpoken if the utterance was not played to its end.
    """
    config.checked_speed(request.speed)
    is_long = len(request.text.encode()) > TEXT
    if is_long and out.play:
        raise BadValue(f"a text of over {TEXT >> 20} MB is not spoken at once; write it to a file with -o, or split it")
    if is_long or requests.bulk(request, out):
        from speakkit.cli import in_process  # noqa: PLC0415  it loads torch

        return requests.show(in_process.carry_out(request, out), request, out)
    call = _Call(request, out, options, agent, show=show)
    call.check()
    _fetch(request, out)
    with client.connect(agent, "speak") as daemon:
        receipt = call.carry_out(daemon)
    return requests.show(receipt, request, out) if receipt else ExitCode.DONE


def hush(agent: str, *, stop: bool, mute: bool | None) -> ExitCode:
    """Stop all speech, or mute or unmute the daemon, and return the exit code.

    stop: cancel the current and all queued utterances, of all agents; does nothing if no daemon is running
    mute: True to mute, False to unmute, None for neither
    """
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
    """Play an earlier utterance again, or write it to the file `target`, and return the exit code.

    back: position counted back from the last utterance, which is 1
    Raises NotSpoken if it was not played to its end.
    """
    out = SpeakOutput(target, None, None, play=target is None, force=force, as_json=False, quiet=False)
    audio_format = _targets().check(out) if target is not None else ""
    with client.connect(agent) as daemon:
        events = daemon.request("again", back=back, stream=target is not None)
        if target is not None:
            end = _targets().record(events, out, audio_format)
        else:
            (end,) = (event for event in events if isinstance(event, Finished))
    if end.result is not Result.played:
        raise _not_spoken(end)
    return ExitCode.DONE


class _Call:
    """One call of `speak`. The text is synthesized once: if it is both written and played, the samples are reused."""

    def __init__(
        self, request: SpeechRequest, out: SpeakOutput, options: QueueOptions, agent: str, *, show: bool
    ) -> None:
        self._request, self._out, self._options, self._show = request, out, options, show
        self._agent = agent
        self._fields: dict[str, Any] = {**msgspec.to_builtins(request), **msgspec.to_builtins(options)}
        self._payload = self._fields.pop("text", "").encode()
        self._audio_format = ""

    def check(self) -> None:
        """Check the output files. Raises BadValue or StorageError if one could not be written later."""
        if self._out.target is not None or self._out.captions is not None:
            self._audio_format = _targets().check(self._out)

    def carry_out(self, daemon: Client) -> Receipt | None:
        """Write and play the speech. Returns the receipt, or None if none is to be shown. Raises NotSpoken."""
        out, request = self._out, self._request
        written = ""
        if out.target is not None or not out.play or (out.captions and self._options.detach):
            written, receipt = self._write(daemon)
        if not out.play:
            return receipt
        end = self._play(daemon, written)
        if out.captions and not written:
            if end and end.result is Result.played:
                _targets().write_captions(out, request.text, end)
            else:
                self._write(daemon)
        return _receipt(end, request, told=bool(written)) if end else None

    def _write(self, daemon: Client) -> tuple[str, Receipt | None]:
        """Write the files. Returns the daemon's id of the samples, and the receipt. Raises NotSpoken."""
        out, request = self._out, self._request
        name = daemon.ask("synth", self._payload, **self._fields, keep=out.play)
        is_long = not out.quiet and len(request.text) >= LONG
        told = f"speaking with {request.engine}" if is_long else ""
        end = _targets().record(daemon.events(name), out, self._audio_format, told)
        receipt = _receipt(end, request)
        if out.captions:
            _targets().write_captions(out, request.text, end)
        return name, receipt

    def _play(self, daemon: Client, audio_of: str) -> Finished | None:
        """Play the utterance. Returns its final event, or None with `--detach`, which does not wait for it.

        If another daemon takes over before any of it was played, it is sent to that one.

        audio_of: id of the samples to reuse; "" to synthesize
        """
        end = self._sent(daemon, audio_of)
        if end is None or not end.moved:
            return end
        with client.connect(self._agent, "speak") as successor:
            return self._sent(successor, "")

    def _sent(self, daemon: Client, audio_of: str) -> Finished | None:
        """Have a daemon play the utterance; see `_play`.

        If the queue is full and `--on-full wait` is given, the request is repeated until it is accepted.
        """
        fields = {**self._fields, "show": self._show, "audio_of": audio_of}
        while True:
            try:
                if self._options.detach:
                    self._show_place(daemon.place("speak", self._payload, **fields))
                    return None
                return self._followed(daemon.request("speak", self._payload, **fields))
            except RequestRefused as error:
                if error.code is not Code.busy or self._options.on_full is not OnFull.wait:
                    raise
                time.sleep((error.retry_ms or 1000) / 1000)

    def _followed(self, events: Iterator[Event]) -> Finished:
        """Wait for the final event and return it. With `--show` on a terminal, highlight each word while it plays."""
        shown = None
        if self._show and sys.stdout.isatty():
            shown = Karaoke(self._request.text, sys.stdout, shutil.get_terminal_size().columns)
        try:
            for event in events:
                if isinstance(event, Hearing) and shown:
                    shown.at(event.start, event.end)
                elif isinstance(event, Finished):
                    return event
        finally:
            if shown:
                shown.close()
        raise DaemonError("the daemon sent no result; try again")

    def _show_place(self, event: Event) -> None:
        """Print the position in the queue."""
        if not isinstance(event, Accepted):
            return  # it has already ended, for example because speech is muted
        if self._out.as_json:
            output.show_json({"id": event.id, "position": event.pos, "eta": (event.eta_ms or 0) / 1000})
        elif not self._out.quiet:
            output.say(f"queued, {event.pos} ahead" if event.pos else "queued, next")


def _targets() -> Any:
    """Import and return the module `targets`, which playback alone does not need."""
    from speakkit.cli import targets  # noqa: PLC0415  it loads numpy and soundfile

    return targets


def _fetch(request: SpeechRequest, out: SpeakOutput) -> None:
    """Fetch what is missing for the voice, in this process, so that it can show a progress bar."""
    is_packaged = not request.voice or ALIASES["kokoro"].get(request.voice, request.voice) in PACKAGED
    if is_packaged and (paths.models() / "kokoro").is_dir():
        return  # so that most calls need not load the table of models
    from speakkit.cli import weights  # noqa: PLC0415  likewise

    weights.fetch_for_daemon(request.voice, quiet=out.quiet)


def _receipt(event: Finished, request: SpeechRequest, *, told: bool = False) -> Receipt | None:
    """The receipt for a final event; None if speech is muted. Prints the warnings of the event.

    told: the warnings were already printed
    Raises NotSpoken if the utterance was not played to its end.
    """
    if not told:
        requests.warn(event.warnings[:-1] if event.result is Result.failed else event.warnings)
    if event.code is Code.muted:
        log.warning("speech is muted, so that nothing was played; unmute it with: speak --unmute")
        return None
    if event.result is Result.failed or event.result in ENDS:
        raise _not_spoken(event)
    return Receipt(
        engine=event.facts.get("engine", request.engine),
        seconds=event.audio_ms / 1000,
        voice=str(event.facts.get("voice", "")),
        language=str(event.facts.get("language", "")),
        weights=str(event.facts.get("weights", "")),
        threads=int(event.facts.get("threads", 0)),
        chunks=int(event.facts.get("chunks", 0)),
        lost=tuple(LostWord(request.text[span.start : span.end], span.start) for span in event.lost),
    )


def _not_spoken(event: Finished) -> NotSpoken:
    """The error for an utterance that was not played. If it failed, its last warning is the reason."""
    return NotSpoken(ENDS.get(event.result) or next(reversed(event.warnings), f"it failed: {event.code}"), event.exit)
