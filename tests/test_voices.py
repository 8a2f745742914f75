"""The table of voices."""

import numpy as np
import pytest

from speakkit import paths
from speakkit.errors import BadValue
from speakkit.voices import ALIASES, NAMES, PACKAGED, find


def test_names_and_aliases():
    """54 voices, eleven aliases, and a packaged pack for each alias."""
    assert len(set(NAMES)) == 54
    assert len(ALIASES) == 11
    assert set(PACKAGED) <= set(NAMES)
    for name in PACKAGED:
        pack = np.load(paths.data() / "voices" / f"{name}.npy")
        assert (pack.shape, pack.dtype) == ((510, 1, 256), np.float16)


@pytest.mark.parametrize(
    ("name", "full", "language"), [("f1", "af_heart", "en-us"), ("m4", "bm_george", "en-gb"), ("s1", "ef_dora", "es")]
)
def test_aliases_name_voices(name, full, language):
    """s1 is ef_dora: there is no af_dora."""
    assert find(name).name == full
    assert find(full).language == language


def test_unknown_voice_names_the_nearest():
    """Or, where nothing is near, those that are there."""
    with pytest.raises(BadValue, match="af_heart"):
        find("af_hart")
    with pytest.raises(BadValue, match="f1, f2"):
        find("zzzzzz")
