"""Local text-to-speech, and the times of words in speech.

from speakkit import align, synthesize, transcribe

for utterance in synthesize(["Hello.", "Good evening."], voice="f1"):
    print(utterance.audio.duration, utterance.audio.samples.dtype)

for word in align("talk.mp3", "Hello from speakkit.").words:
    print(word.text, word.begins, word.ends)

print(transcribe("talk.mp3").text)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speakkit.api import align, synthesize, transcribe
    from speakkit.audio import Audio
    from speakkit.speech.synthesize import Utterance
    from speakkit.speech.word_times import WordTime, WordTimes
    from speakkit.transcript import Transcript

__version__ = "0.1.0"

__all__ = [
    "Audio",
    "Transcript",
    "Utterance",
    "WordTime",
    "WordTimes",
    "__version__",
    "align",
    "synthesize",
    "transcribe",
]

_HOMES = {
    "Audio": "audio",
    "Transcript": "transcript",
    "Utterance": "speech.synthesize",
    "WordTime": "speech.word_times",
    "WordTimes": "speech.word_times",
    "align": "api",
    "synthesize": "api",
    "transcribe": "api",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that `import speakkit` stays fast."""
    if name in _HOMES:
        return getattr(import_module(f"speakkit.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'speakkit' has no attribute {name!r}")
