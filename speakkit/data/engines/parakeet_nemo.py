"""Parakeet TDT_CTC 1.1B through NeMo: text, word times and word confidences of its CTC decoder. Never run so far."""

import math
from typing import Any

from wire import Answer, serve

MODEL = "nvidia/parakeet-tdt_ctc-1.1b"


def load() -> Answer:
    """Load the model, on a GPU if there is one."""
    from nemo.collections.asr.models import ASRModel
    from omegaconf import OmegaConf, open_dict

    model = ASRModel.from_pretrained(MODEL)
    model.eval()
    decoding = model.cfg.aux_ctc.decoding
    with open_dict(decoding):
        OmegaConf.update(decoding, "confidence_cfg.preserve_word_confidence", True, force_add=True)
    model.change_decoding_strategy(decoding, decoder_type="ctc", verbose=False)

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if request["language"] not in (None, "en"):
            raise ValueError("this model knows English only")
        (heard,) = model.transcribe([request["path"]], batch_size=1, timestamps=True, verbose=False)
        return {"text": heard.text, "language": "en", "words": words(heard.timestamp["word"], heard.word_confidence)}

    return answer


def words(stamps: list[dict[str, Any]], confidences: Any) -> list[dict[str, Any]]:
    """The words of a hypothesis. NeMo sometimes returns another number of confidences, which are then left out."""
    found = [None if confidence is None else float(confidence) for confidence in confidences or ()]
    if len(found) != len(stamps):
        found = [None] * len(stamps)
    return [
        {
            "text": stamp["word"],
            "start": float(stamp["start"]),
            "end": float(stamp["end"]),
            "confidence": confidence if confidence is not None and math.isfinite(confidence) else None,
        }
        for stamp, confidence in zip(stamps, found, strict=True)
    ]


if __name__ == "__main__":
    serve(load)
