"""Serve requests of speakkit: lines of JSON on standard input, answered by lines of JSON on standard output."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

Answer = Callable[[dict[str, Any]], dict[str, Any]]


def serve(load: Callable[[], Answer]) -> None:
    """Load an engine, then answer each request by the function that `load` returns, until standard input ends.

    What libraries print goes to standard error. An error of one request becomes its answer.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    answer = load()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            written = json.dumps({"id": request["id"], **answer(request)}, allow_nan=False)
        except (OSError, RuntimeError, ValueError) as error:  # any other one is a bug, and ends this process
            written = json.dumps({"id": request["id"], "error": f"{type(error).__name__}: {error}"})
        print(written, file=answers, flush=True)
