"""Fetch the weights and voice packs that a command needs, with a progress bar."""

from collections.abc import Iterable

from speakkit import voices
from speakkit.cli import output
from speakkit.engines import hub, voice_files
from speakkit.voices import Voice


def fetch(needed: Iterable[Voice], *, quiet: bool = False) -> None:
    """Fetch what speech with these voices needs and what is missing, with a progress bar unless `quiet`."""
    with output.progress(wanted=not quiet) as report:
        hub.ensure("kokoro", report)
        for voice in needed:
            voice_files.ensure(voice, report)


def fetch_for_daemon(name: str, *, quiet: bool) -> None:
    """Fetch what is missing for the voice called `name`, before the daemon is asked for it: it fetches nothing itself.

    name: "" for a voice that the daemon chooses, which is installed with speakkit
    If the weights of Kokoro are there, they are not checked here: the daemon does that when it loads them.
    Raises BadValue if there is no such voice.
    """
    voice = voice_files.named(name or voices.DEFAULT)
    if not hub.is_there("kokoro") or not voice_files.is_complete(voice):
        fetch([voice], quiet=quiet)
