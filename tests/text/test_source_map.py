"""Tests of the source map, from spoken text back to the user's text."""

from dataclasses import replace

import pytest

from speakkit.text.chunks import Token
from speakkit.text.readings import MOST
from speakkit.text.script import Rewrite
from speakkit.text.sentences import Sentence
from speakkit.text.source_map import SourceMap


def words(text):
    """Yield one token for each word between spaces, as a phonemizer would; its phonemes are the word itself."""
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
    """The words "five dollars" are one token, "$5", at its offset in the whole text."""
    spoken = SourceMap.of(Sentence("It is $5 now", 100)).rewritten([Rewrite(6, 8, "five dollars", "money")])
    assert told(spoken) == [
        ("It", 100, "It", None, ""),
        ("is", 103, "is", None, ""),
        ("$5", 106, "five dollars", "five dollars", "money"),
        ("now", 109, "now", None, ""),
    ]


def readings(spoken, number):
    return spoken.tokens(list(words(spoken.text)))[number].readings


def test_a_token_has_the_readings_of_its_stretch():
    """A token has the readings of its range, without the sentence's full stop; a plain word has none."""
    money = Rewrite(6, 8, "five dollars", "money", readings=("five dollars", "five bucks"))
    spoken = SourceMap.of(Sentence("It is $5.", 100)).rewritten([money])
    assert readings(spoken, 2) == ("five dollars", "five bucks")
    assert readings(spoken, 0) == ()


def test_readings_of_stretches_side_by_side_are_combined():
    """Readings of adjacent ranges are combined, spoken ones first, with the text between them."""
    first = Rewrite(0, 1, "five", "number", readings=("five", "fives"))
    last = Rewrite(2, 3, "six", "number", readings=("six", "half a dozen"))
    spoken = SourceMap.of(Sentence("5-6", 0)).rewritten([first, last])
    assert readings(spoken, 0) == ("five-six", "five-half a dozen", "fives-six", "fives-half a dozen")


def test_readings_are_bounded():
    """A token has at most MOST readings, and the spoken one stays first."""
    many = tuple(f"way {number}" for number in range(150))
    both = [Rewrite(0, 1, "way 0", "number", readings=many), Rewrite(2, 3, "way 0", "number", readings=many)]
    found = readings(SourceMap.of(Sentence("5-6", 0)).rewritten(both), 0)
    assert len(found) == MOST
    assert found[0] == "way 0-way 0"


def test_a_rewrite_of_a_rewrite_changes_all_its_readings():
    """A lexicon word inside the words of a rule changes every reading that contains it."""
    path = Rewrite(0, 5, "src slash npm", "path", readings=("src slash npm", "src npm", "source"))
    spoken = SourceMap.of(Sentence("s/npm", 0)).rewritten([path]).rewritten([Rewrite(10, 13, "N P M", "your lexicon")])
    assert readings(spoken, 0) == ("src slash N P M", "src N P M", "source")


def test_a_rewrite_of_all_of_a_rewrite_has_its_own_readings_alone():
    """An alias that is a date has only the readings of the date."""
    spoken = SourceMap.of(Sentence("D", 0)).rewritten([Rewrite(0, 1, "3/4", "sub")])
    date = Rewrite(0, 3, "March fourth", "date", readings=("March fourth", "the fourth of March"))
    assert readings(spoken.rewritten([date]), 0) == ("March fourth", "the fourth of March")


def test_what_may_be_left_out_has_an_empty_reading():
    """An emoji has an empty reading; a tag that is left out has no readings."""
    rocket = Rewrite(3, 4, " rocket", "emoji", readings=("rocket", ""))
    spoken = SourceMap.of(Sentence("Go 🚀 <b>", 0)).rewritten([rocket, Rewrite(5, 8, "", "tag")])
    assert [token.readings for token in spoken.tokens(list(words(spoken.text)))] == [(), ("rocket", ""), ()]


def test_what_is_said_as_it_is_written_may_have_readings():
    """A word spoken as written may have readings; it has no rule and no other spoken form."""
    spoken = SourceMap.of(Sentence("The PDFs", 0)).rewritten([Rewrite(4, 8, "PDFs", "", readings=("PDFs", "P D Fs"))])
    token = spoken.tokens(list(words(spoken.text)))[1]
    assert (token.text, token.spoken, token.rule, token.readings) == ("PDFs", None, "", ("PDFs", "P D Fs"))


def test_a_mark_inside_a_word_leaves_one_word():
    """A removed mark joins the parts of the word on both sides, and is part of the token's text."""
    spoken = SourceMap.of(Sentence("un**believ**able", 0)).rewritten(
        [Rewrite(2, 4, "", "mark"), Rewrite(10, 12, "", "mark")]
    )
    assert told(spoken) == [("un**believ**able", 0, "unbelievable", "unbelievable", "mark")]


def test_what_is_left_out_by_itself_is_a_token_that_says_so():
    """Removed text that stands alone is a token with a rule and no spoken words."""
    spoken = SourceMap.of(Sentence("see <br> here", 0)).rewritten([Rewrite(4, 8, "", "tag")])
    assert told(spoken)[1] == ("<br>", 4, "", "", "tag")
    assert not spoken.tokens(list(words(spoken.text)))[1].is_word


def test_rewrites_of_rewrites_keep_the_first_place():
    """An alias that a later rule expands still has the offset and text that the user wrote."""
    spoken = SourceMap.of(Sentence("the WWW2 here", 0)).rewritten([Rewrite(4, 8, "web 2", "alias")])
    spoken = spoken.rewritten([Rewrite(8, 9, "two", "number")])
    assert told(spoken)[1] == ("WWW2", 4, "web two", "web two", "alias, number")


def test_a_given_pronunciation_takes_the_place_of_the_phonemizers():
    """A given pronunciation replaces the phonemizer's for its whole range."""
    rewrite = Rewrite(0, 20, "New York", "given", phonemes="nujˈɔɹk")
    spoken = SourceMap.of(Sentence("[New York](/nujˈɔɹk/)", 0))
    (token,) = spoken.rewritten([replace(rewrite, end=21)]).tokens(list(words("New York")))
    assert (token.phonemes, token.source) == ("nujˈɔɹk", "given")


@pytest.mark.parametrize("passed_over", [0, 1, 2])
def test_a_word_that_a_phonemizer_passes_over_is_a_token_without_phonemes(passed_over):
    """A word that the phonemizer skips is a token without phonemes, so that it is reported as lost."""
    spoken = SourceMap.of(Sentence("one two three", 7))
    found = [token for i, token in enumerate(words(spoken.text)) if i != passed_over]
    tokens = spoken.tokens(found)
    assert [token.text for token in tokens] == ["one", "two", "three"]
    assert tokens[passed_over].phonemes == ""
    assert tokens[passed_over].is_word


def said(text, *rewrites):
    """Return the text and phonemes of each token, if the phonemizer splits words at spaces."""
    spoken = SourceMap.of(Sentence(text, 0)).rewritten(rewrites)
    return [(token.text, token.phonemes) for token in spoken.tokens(list(words(spoken.text)))]


def test_a_given_pronunciation_counts_for_its_word_alone():
    """Text joined to a given word by a hyphen or slash keeps its own phonemes, though it would be one token with it."""
    given = Rewrite(3, 6, "npm", "your lexicon", "NPM")
    assert said("my/npm-run", given) == [("my/", "my/"), ("npm", "NPM"), ("-run", "-run")]
    assert said("my npm run", given) == [("my", "my"), ("npm", "NPM"), ("run", "run")]
    assert said('my"npm".', given) == [('my"npm".', 'my"npm".')]


def test_a_given_pronunciation_of_several_words_is_said_once():
    """Several words with one given pronunciation are one token."""
    assert said("a New Relic b", Rewrite(2, 11, "New Relic", "your lexicon", "NR")) == [
        *[("a", "a"), ("New Relic", "NR"), ("b", "b")]
    ]


def test_a_given_pronunciation_inside_what_is_rewritten():
    """A given pronunciation applies to one word of a path that is one token; the other words keep their own."""
    spoken = SourceMap.of(Sentence("src/npm/x", 0)).rewritten([Rewrite(0, 9, "src slash npm slash x", "path")])
    spoken = spoken.rewritten([Rewrite(10, 13, "npm", "your lexicon", "NPM")])
    (token,) = spoken.tokens([replace(token, source="words") for token in words(spoken.text)])
    assert (token.text, token.phonemes, token.spoken) == ("src/npm/x", "src slash NPM slash x", "src slash npm slash x")
    assert (token.rule, token.source) == ("path, your lexicon", "words, your lexicon")
