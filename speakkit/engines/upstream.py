"""The plain kokoro loop, as its README has it: the baseline of benchmarks and of equality tests."""

from collections.abc import Iterable, Iterator

import torch

from speakkit.audio import Audio
from speakkit.engines import hub
from speakkit.engines.base import Outcome, Synthesis
from speakkit.engines.device import pick
from speakkit.engines.kokoro import FRAME, SAMPLE_RATE, checkpoint, style
from speakkit.engines.quietly import import_quietly, no_warnings
from speakkit.errors import BadValue
from speakkit.text.chunks import Chunk
from speakkit.vocabulary import settings, symbols


class Upstream:
    """Synthesizer: `kokoro.KModel`, unchanged."""

    sample_rate = SAMPLE_RATE
    frame = FRAME

    def __init__(self, weights: hub.Installed, device: torch.device) -> None:
        self.weights = weights.source
        self.symbols = symbols()
        with no_warnings():  # of weight norm's and dropout's ways
            kmodel = import_quietly("kokoro.model").KModel
            model = kmodel(repo_id=hub.KOKORO_REPOSITORY, config=settings(), model=str(checkpoint(weights)))
        self._model = model.to(device).eval()

    @classmethod
    def load(cls, device: str = "auto", batch: int = 1) -> "Upstream":
        """The plain loop on a device of `engines.device.DEVICES`. Raises BadValue for a batch: it knows none."""
        if batch != 1:
            raise BadValue("the upstream engine speaks one chunk at a time; leave the batch out")
        return cls(hub.ensure("kokoro"), pick(device))

    def synthesize(self, chunks: Iterable[Chunk]) -> Iterator[Outcome]:
        """The audio of each chunk, in order; torch's global generator is seeded for each."""
        for chunk in chunks:
            torch.manual_seed(chunk.seed)
            output = self._model(chunk.phonemes, style(chunk), chunk.speed, return_output=True)
            yield Synthesis(Audio(output.audio.numpy(), SAMPLE_RATE), tuple(output.pred_dur.tolist()))
