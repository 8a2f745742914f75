"""A line in two parts that join without a seam, so that the first is heard while the second is computed."""

from collections.abc import Sequence

import torch
from torch import Tensor

from speakkit.engines.styletts2.moments import Norms
from speakkit.engines.styletts2.network import StyleTTS2
from speakkit.engines.styletts2.padding import Lengths

MARGIN = 8
"""Frames of 25 ms that are computed beyond the end of a part and discarded. The generator sees 0.15 s around a sample.
"""


class SplitLine:
    """A line that is split at a space.

    Durations, F0, energy, harmonics and the decoder's features are those of the whole line; only the generator, which
    takes nine tenths of the time, runs for each part. Its norms use the moments of the first part for both, because
    those of the second are not known before the first is heard.

    durations: frames of each part's start, phonemes and end; the space is divided between the parts
    """

    def __init__(
        self,
        network: StyleTTS2,
        tokens: Tensor,
        at: int,
        style: Tensor,
        speed: Tensor,
        noise: Sequence[torch.Generator],
    ) -> None:
        """Compute what both parts share. The arguments are those of `StyleTTS2.forward` for one text.

        at: index of the space in `tokens`
        """
        self._generator, self._sound = network.decoder.generator, style[:, : network.style_dim]
        score = network.score(tokens, Lengths([tokens.shape[1]], tokens.device), style[:, network.style_dim :], speed)
        self._prepared = network.decoder.prepared(score.text, score.f0, score.energy, self._sound, score.frames, noise)
        frames: list[int] = score.durations[0].tolist()
        half = frames[at] // 2
        self.durations = (*frames[:at], half), (frames[at] - half, *frames[at + 1 :])
        self._first: Tensor | None = None
        self._norms = Norms()

    def part(self, number: int) -> Tensor:
        """Return the samples of part 0 or 1, [1, samples]. Part 0 is computed first, if it was not yet."""
        cut, end = sum(self.durations[0]), self._prepared.lengths.own[0] // 2
        if self._first is None:
            self._first = self._generated(0, min(cut + MARGIN, end))
            self._norms.repeat()
        if number == 0:
            return self._first[:, : self._samples(cut)]
        start = max(0, cut - MARGIN)
        return self._generated(start, end)[:, self._samples(cut - start) :]

    def _generated(self, start: int, stop: int) -> Tensor:
        return self._generator.generated(self._prepared.part(start, stop), self._sound, self._norms)

    def _samples(self, frames: int) -> int:
        return frames * 2 * self._generator.m_source.upsampling
