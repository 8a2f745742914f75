"""Tests of identifiers and operators, and of names of people and products that only resemble identifiers."""

import pytest

from speakkit.text.english.code import RULES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parseHTTPResponse userId getURL", "parse H T T P response user I D get U R L"),
        ("PascalCase TypeError IOError", "pascal case type error I O error"),
        ("snake_case MAX_RETRIES API_KEY", "snake case max retries A P I key"),
        ("__init__ _private _really_", "dunder init underscore private really"),
        ("foo() fooBar()", "foo foo bar"),
        ("obj.method() self.items.append() user.name", "obj dot method self dot items dot append user dot name"),
        ("std::vector<int> Foo::bar()", "std vector of int foo bar"),
        ("Vec<String> Map<string, number>", "vec of string map of string, number"),
        ("list[int] dict[str, int] args[0]", "list of int dict of str, int args sub zero"),
        ("a->b", "A arrow B"),
        ("x == y", "x equals equals y"),
        ("x!=y", "X not equal to Y"),
        ("n >= 5 && m <= 3 || z", "n greater than or equal to 5 and m less than or equal to 3 or z"),
        ("f => g, A -> B", "f arrow g, A to B"),
        ("i += 1; i++; C++", "i plus equals 1; I plus plus; C plus plus"),
        ("`==` and `===`", "`equals equals` and `triple equals`"),
        ("rm -rf build/ && npm ci", "rm dash R F build and npm ci"),
        ("E0308 TS2345 E501", "E zero three zero eight T S twenty three forty five E five oh one"),
        ("HTTP 404, 502 Bad Gateway", "HTTP four oh four, five oh two Bad Gateway"),
        ("GET /users 404 in 12ms", "GET slash users four oh four in 12ms"),
        ('"GET / HTTP/1.1" 503', '"GET slash H T T P one point one" five oh three'),
        ("HTTP/1.1", "H T T P one point one"),
        ("0xFF", "zero X F F"),
        ("C# F#", "C sharp F sharp"),
        ("TODO: this", "to do: this"),
        (r"\d+ [a-z]+", "backslash D plus A to Z plus"),
        ('File "app.py", line 42, in main', 'File "app dot py", line 42, in main'),
        ("at foo (bar.js:10:5)", "at foo (bar dot J S line ten column five)"),
        ('{"user_id": "value"}', '{"user I D": "value"}'),
    ],
)
def test_is_read_as_a_developer_reads_it(said, text, expected):
    """Identifiers are spoken as their words, with initialisms spelled out; operators by their meaning."""
    assert said(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "iPhone",
            "McDonald",
            "eBay",
            "YouTube",
            "GitHub",
            "JavaScript",
            "DeCamp",
            "LaGuardia",
            "MacArthur",
            "LeBron",
        ),
        *("AT&T", "O'Neil", "PhD", "kHz", "PDFs", "CEOs", "UNimportant", "McDONALD", "OpenAI", "PayPal", "LaTeX"),
        *("end.Next", "e.g. this", "a.m.", "Mr.smith", "Y2K", "A4", "F-16", "S&P", "R&D", "a | b".replace("|", "or")),
        *("call me (maybe)", "file(s)", "the array [1]", "I'm", "don't", "plain words only, and more of them."),
    ],
)
def test_prose_is_left_alone(rewrites, text):
    """Capitals inside a proper name do not make it an identifier."""
    assert rewrites(text) == []


def test_other_ways_to_say_it_count(all_readings):
    """Other valid readings are listed too."""
    assert {"foo parentheses", "foo parens"} <= set(all_readings("foo()"))
    assert {"snake underscore case"} <= set(all_readings("snake_case"))
    assert {"std colon colon vector of int"} <= set(all_readings("std::vector<int>"))


def test_costs_grow_with_the_length_alone(slow, trap):
    """Each rule reads 100,000 characters of each trap in at most 5 s of processor time."""
    assert slow(RULES, trap) == []
