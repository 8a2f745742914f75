"""Tests of the table of voices, their languages, and blends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakkit import paths
from speakkit.errors import BadValue
from speakkit.voices import ALIASES, LANGUAGES, PACKAGED, SAMPLES, find, language, own_profile, profiles


def test_names_and_aliases():
    """There are 54 voices and eleven aliases, and each packaged voice has a pack of shape (510, 1, 256) in float16."""
    assert len(profiles()) == 54
    assert len(ALIASES["kokoro"]) == 11
    assert set(profiles()) >= PACKAGED
    for name in PACKAGED:
        pack = np.load(paths.data() / "voices" / f"{name}.npy")
        assert (pack.shape, pack.dtype) == ((510, 1, 256), np.float16)


def test_profiles_are_those_of_the_published_table():
    """A few rows match VOICES.md, and so does the number of voices per language."""
    counts = {language: sum(p.language == language for p in profiles().values()) for language in LANGUAGES.values()}
    assert counts == {"en-us": 20, "en-gb": 8, "es": 3, "fr-fr": 1, "hi": 4, "it": 2, "ja": 5, "pt-br": 3, "zh": 8}
    assert (profiles()["af_heart"].grade, profiles()["am_adam"].grade, profiles()["ef_dora"].grade) == ("A", "F+", "")
    assert profiles()["ff_siwis"].source == "CC BY (SIWIS)"
    assert sum(bool(profile.source) for profile in profiles().values()) == 5
    assert (profiles()["jm_kumo"].sex, profiles()["af_sky"].aliases) == ("male", ("f3",))


@pytest.mark.parametrize("engine", ["gemini", "inworld"])
def test_aliases_of_the_clouds_name_voices(engine):
    """Each alias of a cloud engine names one of its voices."""
    assert set(ALIASES[engine].values()) <= set(profiles(engine)) | {"Olivia"}


@pytest.mark.parametrize(
    ("name", "full", "spoken"), [("f1", "af_heart", "en-us"), ("m4", "bm_george", "en-gb"), ("s1", "ef_dora", "es")]
)
def test_aliases_name_voices(name, full, spoken):
    """An alias gives the full name and the language; s1 is ef_dora, since there is no af_dora."""
    assert find(name).name == full
    assert find(full).language == spoken


def test_unknown_voice_names_the_nearest():
    """The error about an unknown voice suggests the nearest name, or lists the aliases if none is near."""
    with pytest.raises(BadValue, match="af_heart"):
        find("af_hart")
    with pytest.raises(BadValue, match="f1, f2"):
        find("zzzzzz")


@pytest.mark.parametrize(("name", "engine"), [("Zephyr", "gemini"), ("kore", "gemini"), ("Dennis", "inworld")])
def test_voice_of_another_backend_is_named_as_such(name, engine):
    """The error about a voice of another engine names that engine instead of similar names."""
    with pytest.raises(BadValue, match=f"voice of {engine}"):
        find(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("af_bella(1)", "af_bella"),
        ("af_bella(1)+af_bella(3)", "af_bella"),
        ("f2+af_bella", "f2"),
        ("af_bella(2)+af_sky(1)", "af_sky(1)+af_bella(2)"),
        ("af_bella:60,af_sky:40", "af_bella(3)+af_sky(2)"),
        ("af_bella:0.6,af_sky:0.4", "af_bella(3)+af_sky(2)"),
        ("af_bella,af_sky", "f2(7)+f3(7)"),
        (" af_bella ( 2 ) + af_sky", "af_bella(2)+af_sky(1)"),
    ],
)
def test_blends_that_are_the_same_voice(one, other):
    """Both syntaxes, in any order and at any scale, give the same voice with the same name."""
    assert find(one) == find(other)


def test_blend_is_written_in_its_least_numbers():
    """A blend's name has the smallest whole weights, and parses to the same blend."""
    blend = find("af_sky:40,af_bella:60")
    assert blend.name == "af_bella(3)+af_sky(2)"
    assert find(blend.name) == blend
    assert sum(share for _, share in blend.mix) == pytest.approx(1.0)


@given(st.dictionaries(st.sampled_from(sorted(PACKAGED)), st.integers(1, 1000), min_size=1))
def test_canonical_name_is_the_blend(weights):
    """The name of any blend of whole weights parses to the same blend."""
    blend = find("+".join(f"{name}({weight})" for name, weight in weights.items()))
    assert find(blend.name) == blend
    assert blend == find(",".join(f"{name}:{weight}" for name, weight in reversed(weights.items())))


@given(st.text(st.sampled_from("af_bellsky12+,:(). -eé\N{GRINNING FACE}"), max_size=30))
def test_any_text_is_a_voice_or_refused(text):
    """find() returns a blend whose shares add up to 1, or raises BadValue, for any text."""
    try:
        found = find(text)
    except BadValue:
        return
    assert sum(share for _, share in found.mix) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("blend", "words"),
    [
        ("", "voice is missing"),
        ("+", "voice is missing"),
        ("af_bella+", "voice is missing"),
        ("af_bella()+af_sky", "weight ''"),
        ("af_bella(-1)+af_sky(2)", "'-1' is not between"),
        ("af_bella(0)+af_sky(1)", "'0' is not between"),
        ("af_bella(1e308)+af_sky", "not between"),
        ("af_bella(1000001)+af_sky", "between 0.001 and 1000000"),
        ("af_bella(0.001)+af_sky(1000000)", "too far apart"),
        ("af_bella(nan)", "not between"),
        ("af_bella:x,af_sky:1", "'x'"),
        ("af_bella(2", "is not a voice"),
        ("af_bella-af_sky", "there is no voice"),
        ("af_bella+af_skyy", "af_sky"),
    ],
)
def test_blend_that_cannot_be_mixed_is_refused(blend, words):
    """A blend with a missing part, a bad weight or an unknown voice raises BadValue with the reason."""
    with pytest.raises(BadValue, match=words.replace("(", r"\(")):
        find(blend)


def test_blend_speaks_the_language_of_most_of_it():
    """A blend has the language of its largest part, whatever the order."""
    assert find("ef_dora(2)+af_sky(1)").language == "es"
    assert find("af_sky(2)+ef_dora(1)").language == "en-us"


def test_named_blends_and_voices_of_ones_own():
    """A configured blend may contain a voice of the user's folder, but cannot be part of another blend."""
    blends = {"narrator": "af_bella(2)+jadzia"}
    assert find("narrator", blends=blends, own={"jadzia"}).mix[1] == ("jadzia", pytest.approx(1 / 3))
    with pytest.raises(BadValue, match="jadzia"):
        find("narrator", blends=blends)
    with pytest.raises(BadValue, match="part of another"):
        find("narrator+af_sky", blends=blends, own={"jadzia"})


def test_language_of_ones_own_voice_is_in_its_name():
    """The first letter of the user's voice name gives its language, as in Kokoro's names; otherwise it is English."""
    assert own_profile("ef_carmen", "").language == "es"
    assert own_profile("carmen", "").language == "en-us"


def test_languages_have_many_names():
    """A language is accepted as Kokoro's letter, as an ISO code and in speakkit's own form."""
    assert [language(name) for name in ("a", "en", "EN_GB", "fr", "pt-BR", "cmn", "ja")] == [
        *("en-us", "en-us", "en-gb", "fr-fr", "pt-br", "zh", "ja"),
    ]
    with pytest.raises(BadValue, match="speakkit speaks en-us"):
        language("klingon")


def test_every_language_has_a_sentence():
    """Every language has a sample sentence."""
    assert set(SAMPLES) == set(LANGUAGES.values())
