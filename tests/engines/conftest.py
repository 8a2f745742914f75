"""Fixtures with the original Kokoro network, with speakkit's network, and with inputs for both."""

from itertools import pairwise

import pytest
import torch


@pytest.fixture(scope="session")
def upstream():
    """The engine that runs the plain kokoro loop, on the CPU."""
    from speakkit.engines import registry

    with registry.synthesizer("upstream", "cpu") as engine:
        yield engine


@pytest.fixture(scope="session")
def kmodel(upstream):
    """kokoro.KModel with the same weights as `network`."""
    return upstream._model()


@pytest.fixture(scope="session")
def network():
    """speakkit's network, in float32 on every processor."""
    from speakkit.engines import hub
    from speakkit.engines.kokoro import load_model

    return load_model(hub.ensure("kokoro"))


@pytest.fixture(scope="session")
def exact():
    """The Kokoro engine in float32 on every processor, with one chunk per batch."""
    from speakkit.engines import hub
    from speakkit.engines.kokoro import Kokoro

    return Kokoro(hub.ensure("kokoro"), torch.device("cpu"), torch.float32, batch=1)


@pytest.fixture
def alone():
    """Returns a function from a length to the `Lengths` of a batch that holds one tensor of this length."""
    from speakkit.engines.styletts2.padding import Lengths

    return lambda n: Lengths([n], torch.device("cpu"))


@pytest.fixture(params=[2, 40, 512])
def tokens(request):
    """Random Kokoro token ids, [1, n], for n up to the network's maximum."""
    return torch.randint(1, 177, (1, request.param), generator=torch.Generator().manual_seed(request.param))


@pytest.fixture
def prosody():
    """A random style, [1, 128], of the magnitude that voices have."""
    return torch.randn(1, 128, generator=torch.Generator().manual_seed(0)) * 0.2


@pytest.fixture(scope="session")
def nothing_is_lost():
    """Returns check(text, tokens): each letter and digit must be in exactly one token, at its offset, in order."""

    def check(text, tokens):
        assert all(text[token.start :].startswith(token.text) for token in tokens)
        assert all(one.start + len(one.text) <= other.start for one, other in pairwise(tokens))
        covered = {i for token in tokens for i in range(token.start, token.start + len(token.text))}
        assert {i for i, character in enumerate(text) if character.isalnum()} <= covered

    return check
