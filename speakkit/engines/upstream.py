"""The plain kokoro loop, as in its README: the baseline for benchmarks and equality tests."""

from collections.abc import Iterable, Iterator

import torch

from speakkit.audio import Audio, silence
from speakkit.engines import hub
from speakkit.engines.attempt import Held, each
from speakkit.engines.base import Footprint, Synthesis
from speakkit.engines.device import fix_threads, pick
from speakkit.engines.kokoro import FRAME, SAMPLE_RATE, Kokoro, checkpoint, identity, style
from speakkit.engines.kokoro_config import limits, settings
from speakkit.engines.quietly import import_quietly, no_warnings
from speakkit.errors import BadValue
from speakkit.outcome import Outcome
from speakkit.text.chunks import Chunk

NAME = "upstream"


class Upstream:
    """Synthesizer: `kokoro.KModel`, unchanged."""

    frame = FRAME

    def __init__(self, weights: hub.Installed, device: torch.device) -> None:
        self.identity = identity(NAME, weights)
        self.limits = limits()
        with no_warnings():  # about weight norm and dropout
            kmodel = import_quietly("kokoro.model").KModel
            model = kmodel(repo_id=hub.KOKORO_REPOSITORY, config=settings(), model=str(checkpoint(weights)))
        self._model = Held(NAME, model.to(device).eval())

    @classmethod
    def load(cls, device: str = "auto", batch: int = 1) -> "Upstream":
        """Load the plain loop on a device of `engines.device.DEVICES`.

        Raises BadValue for a batch size other than 1, because the loop does not batch.
        """
        if batch != 1:
            raise BadValue("the upstream engine speaks one chunk at a time; leave the batch out")
        return cls(hub.ensure("kokoro"), pick(device))

    @classmethod
    def footprint(cls, device: str = "auto", batch: int = 1) -> Footprint:
        """See `base.Engine`."""
        return Kokoro.footprint(device, batch)

    def close(self) -> None:
        """See `base.Engine`."""
        self._model.close()

    def synthesize(self, chunks: Iterable[Chunk], *, urgent: bool = True) -> Iterator[Outcome[Chunk, Synthesis]]:  # noqa: ARG002  all are urgent
        """See `base.Synthesizer`. torch's global generator is seeded for each chunk."""
        return each(chunks, self._spoken, NAME)

    def _spoken(self, chunk: Chunk) -> Synthesis:
        if not chunk.phonemes:
            return Synthesis(silence(0.0, SAMPLE_RATE), ())
        fix_threads(chunk.threads)
        torch.manual_seed(chunk.seed)
        output = self._model()(chunk.phonemes, style(chunk), chunk.speed, return_output=True)
        return Synthesis(Audio(output.audio.numpy(), SAMPLE_RATE), tuple(output.pred_dur.tolist()))
