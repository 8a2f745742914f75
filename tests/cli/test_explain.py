"""Tests of `speakkit explain`: the table for people, and the JSON for scripts."""

import json
from dataclasses import replace

import pytest

LINES = "one\n\n$5 for Dr. Smith\n!!!\nlast\n"


def explained(run, *arguments, stdin=None):
    ended = run("speakkit", "explain", *arguments, stdin=None if stdin is None else stdin.encode())
    return replace(ended, out=ended.out.decode())


def test_a_person_sees_words_reasons_and_chunks(run):
    """The table shows the spoken text, the rule and source of each word, and the chunks."""
    ended = explained(run, "Dr. Smith paid $5.")
    assert ended.code == 0
    assert ended.out.startswith("Doctor Smith paid five dollars.\n")
    assert "money" in ended.out
    assert "lexicon" in ended.out
    assert "tokens" in ended.out


def test_json_has_all_of_it(run):
    """--json has the text, spoken words, a phoneme string, words with offsets, and chunks with tokens and seconds."""
    text = "I read main.py:42, and it wasn’t 3/4."
    ended = explained(run, "--json", text)
    found = json.loads(ended.out)
    assert found["text"] == text
    assert found["spoken"] == "I read main dot py line forty two, and it wasn’t three quarters."
    assert found["phonemes"] == " ".join(chunk["phonemes"] for chunk in found["chunks"])
    assert [text[word["start"] : word["end"]] for word in found["words"]] == [word["text"] for word in found["words"]]
    assert found["chunks"][0]["tokens"] == len(found["chunks"][0]["phonemes"]) <= 510
    assert found["chunks"][0]["seconds"] > 1
    (fraction,) = [word for word in found["words"] if word["rule"] == "fraction"]
    assert fraction["readings"][0] == fraction["spoken"].rstrip(".") == "three quarters"
    assert "three fourths" in fraction["readings"]


def test_readings_are_those_of_the_sentence(run):
    """A date has no readings of a fraction; a word that is said as written has no readings."""
    found = json.loads(explained(run, "--json", "The report is due on 3/4.").out)
    readings = {word["text"]: word["readings"] for word in found["words"]}
    assert readings["3/4."][0] == "March fourth"
    assert "the fourth of March" in readings["3/4."]
    assert not {"three fourths", "three quarters"} & set(readings["3/4."])
    assert readings["report"] == []


def test_json_lines_has_one_object_for_each_line(run):
    """--jsonl prints one object per line in order, with the same fields; a line without speech has an error."""
    ended = explained(run, "--jsonl", stdin=LINES)
    assert ended.code == 0
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert [one["text"] for one in found] == LINES.splitlines()
    assert [one["spoken"] for one in found] == ["one", "", "five dollars for Doctor Smith", "", "last"]
    assert "nothing to speak" in found[1]["error"]
    assert {frozenset(one) - {"error"} for one in found} == {frozenset(found[0])}


def test_a_lost_word_is_named(run):
    """A word that the voice cannot say is named, and the exit code is 5, as for `speak`."""
    ended = explained(run, "Hello 日本.")
    assert ended.code == 5
    assert "日本" in ended.err
    assert explained(run, "--jsonl", stdin="fine\nHello 日本.\n").code == 5


def test_markdown_is_seen_by_its_looks_and_by_its_name(run, tmp_path):
    """Markdown is recognized by its extension; --raw reads it literally."""
    file = tmp_path / "a.md"
    file.write_text("# Title\n\nSome *words*.\n")
    assert explained(run, "--file", file).out.startswith("Title Some words.\n")
    assert "#" in json.loads(explained(run, "--json", "--raw", "--file", file).out)["spoken"]


def test_what_a_pipe_says_of_pronunciation_counts(run):
    """Given phonemes, an alias and a pause are applied; an unknown tag gives a warning and is not spoken."""
    ended = explained(
        run, "--json", '[kubectl](/kjˈub/) <sub alias="two">2nd</sub> [pause:0.5s] <prosody rate="x">now</prosody>'
    )
    found = json.loads(ended.out)
    assert found["phonemes"].startswith("kjˈub tˈu")
    assert found["spoken"] == "kubectl two now"
    assert found["chunks"][0]["gap"] == 0.5
    assert any("prosody" in warning for warning in found["warnings"])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--json", "--jsonl", "x"], 2, "exclude each other"),
        (["!!!"], 1, "nothing to speak"),
        (["--voice", "nobody", "x"], 2, "nobody"),
        (["--file", "no.txt"], 1, "no.txt"),
        (["--lang", "xx", "x"], 2, "xx"),
    ],
)
def test_what_cannot_be_explained_is_one_line(run, arguments, code, said):
    """Invalid input gives one line and its exit code."""
    ended = explained(run, *arguments)
    assert ended.code == code
    assert said in ended.err
    assert ended.err.count("\n") == 1
