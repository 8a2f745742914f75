"""CTranslate2 and faster-whisper, loaded so that waiting threads sleep rather than spin.

CTranslate2 has an OpenMP library of its own, which reads OMP_WAIT_POLICY when it is loaded. Threads that spin take
cores from other programs on a busy machine, and up to five times the processor time. On an idle one they are no faster
in int8, and faster in float32 (benchmarks/recognition.py).
"""

import os

_POLICY = "OMP_WAIT_POLICY"

_chosen = os.environ.get(_POLICY)
os.environ.setdefault(_POLICY, "passive")
try:
    import ctranslate2
    from faster_whisper import WhisperModel
    from faster_whisper.audio import pad_or_trim
    from faster_whisper.tokenizer import Tokenizer
    from faster_whisper.transcribe import get_suppressed_tokens
    from faster_whisper.vad import get_vad_model
finally:
    if _chosen is None:  # torch's OpenMP waits in its own way, see `waiting`
        del os.environ[_POLICY]

__all__ = ["Tokenizer", "WhisperModel", "ctranslate2", "get_suppressed_tokens", "get_vad_model", "pad_or_trim"]
