"""Local text-to-speech: `synthesize` yields one utterance of audio per text.

from speakkit import synthesize

for utterance in synthesize(["Hello.", "Good evening."], voice="f1"):
    print(utterance.audio.duration, utterance.audio.samples.dtype)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speakkit.api import synthesize
    from speakkit.audio import Audio
    from speakkit.speech.synthesize import Utterance

__version__ = "0.1.0"

__all__ = ["Audio", "Utterance", "__version__", "synthesize"]

_HOMES = {"Audio": "audio", "Utterance": "speech.synthesize", "synthesize": "api"}


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that `import speakkit` stays fast."""
    if name in _HOMES:
        return getattr(import_module(f"speakkit.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'speakkit' has no attribute {name!r}")
