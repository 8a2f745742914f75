"""Tests of paths, file names, URLs, e-mail addresses and host names, and of text that only resembles them."""

from pathlib import Path

import pytest

from speakkit.text.english.addresses import RULES

BOOK = (Path(__file__).parents[2] / "data" / "alice29.txt").read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see main.py:42 now", "see main dot py line forty two now"),
        ("src/utils/parse_args.py", "src slash utils slash parse args dot py"),
        ("`src/db/users.ts:118`,", "`src slash D B slash users dot T S line one hundred eighteen`,"),
        ("main.c:10:5: error", "main dot C line ten column five: error"),
        ("App.ts(12,5)", "app dot T S line twelve column five"),
        ("a.py:10-20 b.py#L3-L9", "A dot py lines ten to twenty B dot py lines three to nine"),
        ("tests/test_x.py::TestA::test_b", "tests slash test X dot py test A test B"),
        ("README.md, package.json.", "readme dot M D, package dot json."),
        ("archive.tar.gz index.html a.cpp run.sh", "archive dot tar dot G Z index dot H T M L A dot C P P run dot S H"),
        ("__init__.py", "dunder init dot py"),
        ("~/.bashrc and .gitignore", "tilde slash dot bashrc and dot gitignore"),
        ("/etc/hosts ./run.sh src/", "slash etc slash hosts dot slash run dot S H src"),
        ("../.. *.py **/*.ts", "dot dot slash dot dot star dot py star star slash star dot T S"),
        ("C:\\Users\\x", "C colon backslash users backslash X"),
        ("C:\\Program Files\\app.exe", "C colon backslash program files backslash app dot E X E"),
        ("https://example.com/docs?page=2.", "example dot com slash docs question mark page equals two."),
        ("(http://localhost:8000/)", "(localhost port eight thousand)"),
        ("https://a.io/x%20y!", "A dot I O slash X Y!"),
        ("s3://bucket/key", "S three colon slash slash bucket slash key"),
        ("postgres://u@db:5432/app", "postgres colon slash slash U at D B port fifty four thirty two slash app"),
        ("example.com, docs.python.org/3", "example dot com, docs dot python dot org slash three"),
        ("john.doe_42@mail-server.co.uk", "john dot doe underscore forty two at mail dash server dot co dot U K"),
        ("git@github.com:org/repo.git", "git at github dot com colon org slash repo dot git"),
        ("root@server ubuntu@10.0.0.5", "root at server ubuntu at ten dot zero dot zero dot five"),
        ("192.168.0.1:8080.", "one ninety two dot one sixty eight dot zero dot one port eighty eighty."),
        ("10.0.0.0/24", "ten dot zero dot zero dot zero slash twenty four"),
        ("localhost:3000/api", "localhost port three thousand slash A P I"),
        ("fe80::1", "F E eight zero colon colon one"),
        ("00:1a:2b:3c:4d:5e", "zero zero colon one A colon two B colon three C colon four D colon five E"),
        ("@octocat, @octo-cat", "at octocat, at octo cat"),
        ("@app.route", "at app dot route"),
        ("#MachineLearning #ai", "hashtag machine learning hashtag A I"),
        ("origin/main feature/add-login", "origin slash main feature slash add login"),
        ("@types/node", "at types slash node"),
    ],
)
def test_is_read_as_a_developer_reads_it(said, text, expected):
    """Marks are spoken by name, file extensions as usual, and punctuation after the address stays outside it."""
    assert said(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("and/or", "he/she", "e.g.", "U.S.A.", "I/O", "km/h", "3/4", "24/7", "TCP/IP", "AC/DC", "w/o", "n/a", "c/o"),
        *(
            "a.m.",
            "1.5",
            "Mr.Smith",
            "end.Next",
            "Well...maybe",
            "yes/no",
            "9/11",
            "12/25/2024",
            "input/output",
            "s/he",
        ),
        *(
            "St.Louis",
            "No.1",
            "Ph.D.",
            "i.e., so",
            "12:30",
            "3:16",
            "John 3:16",
            "kWh/day",
            "an @ sign",
            "a # sign",
            "/",
        ),
        *(
            "ASP.NET",
            "10:20:30",
            "me & you @ $5",
            "red/green/blue",
            "Yahoo!",
            "St.Petersburg",
            "read/write",
            "$5/month",
        ),
    ],
)
def test_prose_is_left_alone(rewrites, text):
    """Words with a dot, slash or colon that are not addresses are left alone."""
    assert rewrites(text) == []


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("https://example.com/a", {"H T T P S colon slash slash example dot com slash A"}),
        ("main.py:42", {"main dot py colon forty two"}),
        ("parse_args.py", {"parse underscore args dot py"}),
        (
            "10.0.0.1:80",
            {"ten dot zero dot zero dot one colon eighty", "one zero dot zero dot zero dot one port eighty"},
        ),
        ("a-b@c.de", {"A hyphen B at C dot D E"}),
        ("#go", {"hash go"}),
    ],
)
def test_other_ways_to_say_it_count(all_readings, text, others):
    """Other valid readings are listed too."""
    assert others <= set(all_readings(text))


def test_a_novel_holds_no_address(rewrites):
    """In Alice in Wonderland, only the word in italics between underscores is read as code."""
    assert {(BOOK[start:end], name) for start, end, name, _ in rewrites(BOOK)} == {("_I_", "identifier")}


def test_costs_grow_with_the_length_alone(slow, trap):
    """Each rule reads 100,000 characters of each trap in at most 5 s of processor time."""
    assert slow(RULES, trap) == []
