"""UTMOSv2: an estimate of the mean opinion score of a clip. Never run so far.

It takes random parts of the clip: the estimate is the mean of five runs from a fixed seed.
"""

import random
from typing import Any

from wire import Answer, serve

REPETITIONS = 5


def load() -> Answer:
    """Load the first of its five folds, on a GPU if there is one."""
    import numpy as np
    import torch
    import utmosv2

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = utmosv2.create_model(pretrained=True, config="fusion_stage3", fold=0, device=device)

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        random.seed(0)
        np.random.seed(0)
        torch.manual_seed(0)
        mos = model.predict(
            input_path=request["path"], device=device, num_repetitions=REPETITIONS, num_workers=0, verbose=False
        )
        return {"scores": {"mos": float(mos)}}

    return answer


if __name__ == "__main__":
    serve(load)
