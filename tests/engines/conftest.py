"""The original network, beside ours."""

from itertools import pairwise

import pytest
import torch


@pytest.fixture(scope="session")
def upstream():
    """The plain kokoro loop."""
    from speakkit.engines import registry

    with registry.synthesizer("upstream", "cpu") as engine:
        yield engine


@pytest.fixture(scope="session")
def kmodel(upstream):
    """kokoro.KModel with the weights that our network has."""
    return upstream._model()


@pytest.fixture(scope="session")
def network():
    """Our network, in float32 on every processor."""
    from speakkit.engines import hub
    from speakkit.engines.kokoro import load_model

    return load_model(hub.ensure("kokoro"))


@pytest.fixture(scope="session")
def exact():
    """Our engine in float32, one chunk at a time, on every processor."""
    from speakkit.engines import hub
    from speakkit.engines.kokoro import Kokoro

    return Kokoro(hub.ensure("kokoro"), torch.device("cpu"), torch.float32, batch=1)


@pytest.fixture
def alone():
    """A tensor with the length of its last axis -> the lengths of a batch that holds it alone."""
    from speakkit.engines.styletts2.padding import Lengths

    return lambda n: Lengths([n], torch.device("cpu"))


@pytest.fixture(params=[2, 40, 512])
def tokens(request):
    """Ids of Kokoro's symbols, [1, n], up to the most that it takes."""
    return torch.randint(1, 177, (1, request.param), generator=torch.Generator().manual_seed(request.param))


@pytest.fixture
def prosody():
    """A style, [1, 128], of the size that voices have."""
    return torch.randn(1, 128, generator=torch.Generator().manual_seed(0)) * 0.2


@pytest.fixture(scope="session")
def nothing_is_lost():
    """nothing_is_lost(text, tokens): every letter and digit is in exactly one token, at its place, in order."""

    def check(text, tokens):
        assert all(text[token.start :].startswith(token.text) for token in tokens)
        assert all(one.start + len(one.text) <= other.start for one, other in pairwise(tokens))
        covered = {i for token in tokens for i in range(token.start, token.start + len(token.text))}
        assert {i for i, character in enumerate(text) if character.isalnum()} <= covered

    return check
