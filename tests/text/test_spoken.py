"""From what is said back to what the user wrote."""

from dataclasses import replace

import pytest

from speakkit.text.chunks import Token
from speakkit.text.script import Rewrite
from speakkit.text.sentences import Sentence
from speakkit.text.spoken import Spoken


def words(text):
    """A phonemizer's tokens: what stands between spaces, with itself for phonemes."""
    at = 0
    for word in text.split():
        at = text.index(word, at)
        yield Token(word, at, word, spaced=True)
        at += len(word)


def told(spoken):
    return [
        (token.text, token.start, token.phonemes, token.spoken, token.rule)
        for token in spoken.tokens(list(words(spoken.text)))
    ]


def test_words_that_stand_for_one_stretch_are_one_token():
    """The words "five" and "dollars" are "$5", where it stands in the whole text."""
    spoken = Spoken.of(Sentence("It is $5 now", 100)).rewritten([Rewrite(6, 8, "five dollars", "money")])
    assert told(spoken) == [
        ("It", 100, "It", None, ""),
        ("is", 103, "is", None, ""),
        ("$5", 106, "five dollars", "five dollars", "money"),
        ("now", 109, "now", None, ""),
    ]


def test_a_mark_inside_a_word_leaves_one_word():
    """What is left out joins what stands beside it, and is shown with the word."""
    spoken = Spoken.of(Sentence("un**believ**able", 0)).rewritten(
        [Rewrite(2, 4, "", "mark"), Rewrite(10, 12, "", "mark")]
    )
    assert told(spoken) == [("un**believ**able", 0, "unbelievable", "unbelievable", "mark")]


def test_what_is_left_out_by_itself_is_a_token_that_says_so():
    """And nobody hears it."""
    spoken = Spoken.of(Sentence("see <br> here", 0)).rewritten([Rewrite(4, 8, "", "tag")])
    assert told(spoken)[1] == ("<br>", 4, "", "", "tag")
    assert not spoken.tokens(list(words(spoken.text)))[1].is_word


def test_rewrites_of_rewrites_keep_the_first_place():
    """An alias that a later rule expands still stands for what the user wrote."""
    spoken = Spoken.of(Sentence("the WWW2 here", 0)).rewritten([Rewrite(4, 8, "web 2", "alias")])
    spoken = spoken.rewritten([Rewrite(8, 9, "two", "number")])
    assert told(spoken)[1] == ("WWW2", 4, "web two", "web two", "alias, number")


def test_a_given_pronunciation_takes_the_place_of_the_phonemizers():
    """Of the whole stretch, whatever the phonemizer made of its words."""
    rewrite = Rewrite(0, 20, "New York", "given", phonemes="nujˈɔɹk")
    spoken = Spoken.of(Sentence("[New York](/nujˈɔɹk/)", 0))
    (token,) = spoken.rewritten([replace(rewrite, end=21)]).tokens(list(words("New York")))
    assert (token.phonemes, token.source) == ("nujˈɔɹk", "given")


@pytest.mark.parametrize("passed_over", [0, 1, 2])
def test_a_word_that_a_phonemizer_passes_over_is_a_token_without_phonemes(passed_over):
    """So that it is named as lost, and never lost in silence."""
    spoken = Spoken.of(Sentence("one two three", 7))
    found = [token for i, token in enumerate(words(spoken.text)) if i != passed_over]
    tokens = spoken.tokens(found)
    assert [token.text for token in tokens] == ["one", "two", "three"]
    assert tokens[passed_over].phonemes == ""
    assert tokens[passed_over].is_word


def said(text, *rewrites):
    """The phonemes of each token, where a phonemizer divides words at spaces."""
    spoken = Spoken.of(Sentence(text, 0)).rewritten(rewrites)
    return [(token.text, token.phonemes) for token in spoken.tokens(list(words(spoken.text)))]


def test_a_given_pronunciation_counts_for_its_word_alone():
    """What is joined to the word by a hyphen or a slash, and would be one token with it, is not lost."""
    given = Rewrite(3, 6, "npm", "your lexicon", "NPM")
    assert said("my/npm-run", given) == [("my/", "my/"), ("npm", "NPM"), ("-run", "-run")]
    assert said("my npm run", given) == [("my", "my"), ("npm", "NPM"), ("run", "run")]
    assert said('my"npm".', given) == [('my"npm".', 'my"npm".')]


def test_a_given_pronunciation_of_several_words_is_said_once():
    """The words are one token."""
    assert said("a New Relic b", Rewrite(2, 11, "New Relic", "your lexicon", "NR")) == [
        *[("a", "a"), ("New Relic", "NR"), ("b", "b")]
    ]


def test_a_given_pronunciation_inside_what_is_rewritten():
    """One word of a path that is one token: the others are said as ever."""
    spoken = Spoken.of(Sentence("src/npm/x", 0)).rewritten([Rewrite(0, 9, "src slash npm slash x", "path")])
    spoken = spoken.rewritten([Rewrite(10, 13, "npm", "your lexicon", "NPM")])
    (token,) = spoken.tokens([replace(token, source="words") for token in words(spoken.text)])
    assert (token.text, token.phonemes, token.spoken) == ("src/npm/x", "src slash NPM slash x", "src slash npm slash x")
    assert (token.rule, token.source) == ("path, your lexicon", "words, your lexicon")
