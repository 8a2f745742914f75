"""Tests of the user's lexicon together with the English rules, in whole sentences."""

import pytest

from speakkit import paths
from speakkit.engines.kokoro_config import limits
from speakkit.speech.frontend import Reader
from speakkit.speech_request import Markup
from speakkit.text import lexicon
from speakkit.text.chunks import Delivery
from speakkit.text.markup import script
from speakkit.voices import find

WORDS = """
sql = "sequel"
main = "mane"
dr = "doc"
km = "kay em"
"C#" = "see sharp"
[en]
kubectl = "/kjˈubkəntɹˌol/"
"New Relic" = "/nˈu ɹˈɛlɪk/"
"""
STRESS = str.maketrans("", "", "ˈˌ")
KUBECTL = "kjˈubkəntɹˌol"


@pytest.fixture
def reader(monkeypatch, tmp_path, english):
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    paths.lexicon().parent.mkdir()
    paths.lexicon().write_text(WORDS)
    return Reader("en-us", english.engine, lexicon.load("en-us", limits().symbols))


def read(reader, text):
    (sentence,) = reader.read(text, script(text), [])
    return [token for token in sentence[1] if token.is_word]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("It is in SQL.", ["it", "is", "in", "sequel"]),
        ("C# here.", ["see sharp", "here"]),
        ("Dr. Smith.", ["doc", "smith"]),
        ("See main.py now.", ["see", "mane dot py", "now"]),
        ("Use --main now.", ["use", "dash dash mane", "now"]),
        ("Edit src/main.go now.", ["edit", "src slash mane dot go", "now"]),
    ],
)
def test_respelled_words(reader, text, spoken):
    """A respelled word is also spoken inside a range that a rule reads as a whole."""
    assert [(token.spoken or token.text).lower() for token in read(reader, text)] == spoken


@pytest.mark.parametrize(
    "text",
    [
        "A kubectl-based tool.",
        "The re-kubectl tool.",
        "Use kubectl/helm today.",
        "Edit src/kubectl/main.go now.",
        "See https://kubectl.io/docs now.",
        "The kubectl_config here.",
        "And kubectl'll run, then.",
    ],
)
def test_nothing_beside_a_given_pronunciation_is_lost(reader, english, text):
    """The rest of the sentence has as many phonemes as without the lexicon's word, to within 1."""
    tokens = read(reader, text)
    assert sum(token.phonemes.count(KUBECTL) for token in tokens) == 1
    assert all(token.phonemes for token in tokens)
    plain = read(Reader("en-us", english.engine, lexicon.Lexicon("en-us")), text.replace("kubectl", "grub"))
    rest, expected = sounds(tokens).replace(KUBECTL.translate(STRESS), ""), sounds(plain).replace("ɡɹʌb", "")
    assert abs(len(rest) - len(expected)) <= 1


def sounds(tokens):
    return "".join(token.phonemes for token in tokens).replace(" ", "").translate(STRESS)


def test_sources_are_told(reader):
    """Each word names the source of its pronunciation."""
    tokens = read(reader, "Run kubectl in New Relic, blimvast.")
    assert [(token.text, token.source) for token in tokens] == [
        *[("Run", "lexicon"), ("kubectl", "your lexicon"), ("in", "lexicon"), ("New Relic", "your lexicon")],
        ("blimvast", "espeak-ng"),
    ]
    assert [token.phonemes for token in tokens][3] == "nˈu ɹˈɛlɪk"


def test_other_languages_have_their_own(monkeypatch, tmp_path, read_in):
    """Entries above the first heading apply to Spanish too; those under [en] do not."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    paths.lexicon().parent.mkdir()
    paths.lexicon().write_text(WORDS.replace('dr = "doc"', 'chat = "/tʃat/"'))
    reader = Reader("es", read_in("es").engine, lexicon.load("es", limits().symbols))
    tokens = read(reader, "El chat y kubectl de main.")
    assert [token.source for token in tokens if token.text == "chat"] == ["your lexicon"]
    assert KUBECTL not in "".join(token.phonemes for token in tokens)
    assert [token.spoken for token in tokens if token.text == "main"] == ["mane"]


def test_what_is_left_out_makes_no_silence(reader):
    """Thousands of opening tags before a word add no gaps between paragraphs."""
    text = "<speak>" + "<p>" * 3000 + "hi"
    plan = reader.plan(text, Delivery(find("f1")), Markup.PLAIN, limits())
    assert sum(chunk.gap for chunk in plan.chunks) == 0
