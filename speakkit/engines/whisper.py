"""Whisper through faster-whisper: speech -> text with word times.

Each clip is read in windows of 30 s at most, cut at pauses (`pauses`), each on its own: no window is conditioned on the
text before it, which spreads errors. Every size decodes with a beam at temperature 0, so that transcripts are
reproducible; Whisper's own fallback to random sampling is not, because CTranslate2 cannot restart its random numbers
for each clip. What that fallback would have been triggered by is in `TranscriptSegment.guards`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version

from speakkit.alignment import CoarseAlignment
from speakkit.audio import Audio
from speakkit.engines import hub, pauses, whisper_sizes
from speakkit.engines.attempt import Held, attempt, each, usable
from speakkit.engines.base import Footprint, SpokenText
from speakkit.engines.ctranslate import ctranslate2
from speakkit.engines.whisper_alignment import aligned, shared_out
from speakkit.engines.whisper_network import LONGEST, SAMPLE_RATE, Encoded, Network, Samples, Written
from speakkit.engines.whisper_words import timed_words
from speakkit.errors import BadValue
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.transcript import REPETITION, Guard, Transcript, TranscriptSegment, Word, compression_ratio, joined

COMPUTE = {"cuda": "float16", "cpu": "int8"}
"""Device -> type in which it computes. int8 takes less time than float32 on a CPU, at no more word errors
(benchmarks/recognition.py)."""

BATCH = {"cuda": 16, "cpu": 1}
"""Device -> maximum number of windows in a batch."""

CONTEXTS = {"cuda": (LONGEST,), "cpu": (15.0, LONGEST)}
"""Device -> lengths in seconds to which a window is padded; the first that holds it is used. Half of LONGEST halves the
time on a CPU (benchmarks/recognition.py); shorter ones cut off the end of some texts."""

MARGIN = 0.5
"""Minimum padding of a window that is shorter than LONGEST, in seconds."""

SURE = -0.25
"""Average log probability below which a text is written again with a padding to LONGEST, which the network learned."""

BESIDE = 250 << 20
"""Bytes that decoding one window needs in addition to the weights, which are float16 on disk."""

IMPROBABLE = -1.0
"""Average log probability below which a text counts as improbable (openai/whisper, transcribe.py, like NO_SPEECH)."""

NO_SPEECH = 0.6
"""Probability of no speech above which a text counts as invented if it is improbable, or if the voice activity detector
hears no speech either: "you" is what Whisper writes for silence, and finds probable."""


class Whisper:
    """Recognizer of any of Whisper's sizes."""

    def __init__(
        self, name: str, weights: hub.Installed, device: str, compute_type: str = "", threads: int = 0
    ) -> None:
        """compute_type: as CTranslate2 names it; "" for the device's own. threads: 0 for CTranslate2's own count."""
        self.device = device
        compute_type = compute_type or COMPUTE[device]
        self.identity = Identity(
            name,
            version=f"{version('faster-whisper')} ({compute_type})",
            weights=weights.source,
            weights_sha256=weights.sha256,
            licence="MIT",
            commercial=True,
            sample_rate=SAMPLE_RATE,
        )
        self._network = Held(name, Network(weights.folder, device, compute_type, threads))
        self._is_english = whisper_sizes.SIZES[name.removeprefix("whisper-")].is_english
        self._batch = BATCH[device]
        self._contexts = CONTEXTS[device]

    @classmethod
    def load(cls, name: str, device: str = "auto") -> "Whisper":
        """Load one of the Whisper models of `hub.MODELS`."""
        return cls(name, hub.ensure(name), ctranslate2_device(device))

    @classmethod
    def footprint(cls, name: str, device: str = "auto") -> Footprint:
        """See `base.Engine`."""
        device = ctranslate2_device(device)
        return Footprint(device, hub.MODELS[name].size_mb * 10**6 + BATCH[device] * BESIDE)

    def close(self) -> None:
        """See `base.Engine`."""
        self._network.close()

    def transcribe(self, clips: Iterable[Audio], language: str | None) -> Iterator[Outcome[Audio, Transcript]]:
        """See `base.Recognizer`. Short clips are read in batches, a long one in batches of its windows.

        A clip that is empty or has samples that are no numbers fails with EngineError, and each clip with BadValue if
        Whisper does not know the language.
        """
        for group in _groups(clips, self._batch):
            together = attempt(group, partial(self._read, language), self.identity.name) if len(group) > 1 else None
            if together and together.value:
                yield from map(Outcome, group, together.value)
            else:
                yield from each(group, partial(self._whole, language), self.identity.name)

    def align(self, clips: Iterable[SpokenText], language: str) -> Iterator[Outcome[SpokenText, CoarseAlignment]]:
        """See `base.TextAligner`. Clips fail as in `transcribe`."""
        return each(clips, partial(self._aligned, language), self.identity.name)

    def _aligned(self, language: str, clip: SpokenText) -> CoarseAlignment:
        """Return the alignment of one clip of any length."""
        network = self._network()
        self._require(language, network)
        windows = pauses.cut([usable(clip.audio)])
        shares = shared_out(windows, clip.words, lambda window: self._read(language, [window])[0].text)
        return CoarseAlignment(
            tuple(
                replace(word, start=word.start + part.start, end=word.end + part.start)
                for part, words in shares
                for word in aligned(network, part.audio.samples, words, language)
            )
        )

    def _whole(self, language: str | None, clip: Audio) -> Transcript:
        """Return the transcript of one clip of any length."""
        if clip.duration <= LONGEST:
            return self._read(language, [clip])[0]
        return joined(list(pauses.transcribe([usable(clip)], self, language)))

    def _read(self, language: str | None, clips: Sequence[Audio]) -> tuple[Transcript, ...]:
        """Return the transcripts of clips that are one window each, read in one batch."""
        network = self._network()
        self._require(language, network)
        windows = [usable(clip).resampled(SAMPLE_RATE).samples for clip in clips]
        longest = max(map(len, windows)) / SAMPLE_RATE
        context = next((each for each in self._contexts if longest + MARGIN <= each), LONGEST)
        transcripts = self._read_in(context, language, windows)
        if context < LONGEST and any(map(_is_unsure, transcripts)):
            transcripts = self._read_in(LONGEST, language, windows)
        return transcripts

    def _read_in(self, context: float, language: str | None, windows: Sequence[Samples]) -> tuple[Transcript, ...]:
        """Return the transcripts of windows, which are padded to `context` seconds."""
        network = self._network()
        encoded = network.encode(windows, context)
        found = network.detect(encoded) if language is None and not self._is_english else None
        languages = [code for code, _ in found] if found else [language or "en"] * len(windows)
        written = network.write(encoded, languages)
        words = _words(network, encoded, written, languages, windows)
        texts = [network.tokenizer(code).decode(one.tokens) for one, code in zip(written, languages, strict=True)]
        transcripts = list(map(_transcript, texts, written, words, languages, windows))
        if found:
            transcripts = [replace(one, language_probability=p) for one, (_, p) in zip(transcripts, found, strict=True)]
        return tuple(transcripts)

    def _require(self, language: str | None, network: Network) -> None:
        """Raises BadValue if `language` is neither None nor one that these weights know."""
        known = ("en",) if self._is_english else network.languages
        if language is not None and language not in known:
            raise BadValue(f"{self.identity.name} does not know the language {language!r}; it knows {', '.join(known)}")


def _words(
    network: Network, encoded: Encoded, written: Sequence[Written], languages: Sequence[str], windows: Sequence[Samples]
) -> list[tuple[Word, ...]]:
    """Return the words of each window. The windows of one language are aligned at once."""
    texts = [one.tokens for one in written]
    found: list[tuple[Word, ...]] = [()] * len(texts)
    for language in dict.fromkeys(languages):
        times = network.align(encoded, texts, language)
        for i, one in enumerate(times):
            if languages[i] == language:
                found[i] = timed_words(network.tokenizer(language), texts[i], one, windows[i])
    return found


def _transcript(text: str, written: Written, words: tuple[Word, ...], language: str, window: Samples) -> Transcript:
    """Return the transcript of one window. text: of the tokens."""
    ratio = compression_ratio(text)
    guards = _guards(written, ratio, window)
    is_kept = Guard.no_speech not in guards
    segment = TranscriptSegment(
        text.strip(),
        words[0].start or 0.0 if words else 0.0,
        words[-1].end or 0.0 if words else len(window) / SAMPLE_RATE,
        average_log_probability=written.average_log_probability,
        no_speech_probability=written.no_speech_probability,
        compression_ratio=ratio,
        guards=guards,
    )
    return Transcript(text.strip() if is_kept else "", language, words if is_kept else (), (segment,), text)


def _is_unsure(transcript: Transcript) -> bool:
    """Return whether the text of one window may be wrong because of too short a context."""
    (segment,) = transcript.segments
    return (segment.average_log_probability or 0.0) < SURE or bool(segment.guards)


def _guards(written: Written, ratio: float, window: Samples) -> tuple[Guard, ...]:
    """Return the guards of a text whose compression ratio is `ratio`."""
    is_improbable = written.average_log_probability < IMPROBABLE
    is_doubtful = written.no_speech_probability > NO_SPEECH
    fired = {
        Guard.no_speech: is_doubtful and (is_improbable or not pauses.has_speech(window)),
        Guard.repetition: ratio > REPETITION,
        Guard.improbable: is_improbable,
    }
    return tuple(guard for guard, has_fired in fired.items() if has_fired)


def _groups(clips: Iterable[Audio], size: int) -> Iterator[list[Audio]]:
    """Yield clips in groups of at most `size`; a clip that is longer than one window is a group of its own."""
    group: list[Audio] = []
    for clip in clips:
        if len(clip.samples) > LONGEST * clip.sample_rate:
            if group:
                yield group
            yield [clip]
            group = []
            continue
        group.append(clip)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def ctranslate2_device(name: str) -> str:
    """Return "cuda" or "cpu", the only devices that CTranslate2 supports. Raises as `device.pick` does.

    Imports torch only where a GPU is found or named. CTranslate2 needs the libraries of CUDA that come with torch.
    """
    if name == "cpu" or (name == "auto" and not ctranslate2.get_cuda_device_count()):
        return "cpu"
    from speakkit.engines.device import pick  # noqa: PLC0415  it imports torch

    return "cuda" if pick(name).type == "cuda" else "cpu"
