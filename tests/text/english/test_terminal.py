"""Tests of terminal output: options, variables, diffs, hashes, progress bars and decoration."""

import pytest

from speakkit.text.english.terminal import RULES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run --dry-run -v -rf -j8", "run dash dash dry run dash V dash R F dash J eight"),
        (
            "--output=out.txt --lr=0.001",
            "dash dash output equals out dot T X T dash dash L R equals zero point zero zero one",
        ),
        ("use `--force`, or -n.", "use `dash dash force`, or dash N."),
        ("npm test -- --watch", "npm test -- dash dash watch"),
        ("$HOME ${VAR} %PATH%", "dollar home dollar var path"),
        ("$HOME/bin", "dollar home slash bin"),
        ("NODE_ENV=production", "node env equals production"),
        ("+++ b/src/x.py", "plus plus plus B slash src slash X dot py"),
        ("--- a/src/x.py", "minus minus minus A slash src slash X dot py"),
        ("@@ -10,7 +10,8 @@", "at at minus ten comma seven plus ten comma eight at at"),
        ("(+12 -3)", "(plus twelve minus three)"),
        ("2 insertions(+), 1 deletion(-)", "2 insertions, 1 deletion"),
        ("commit a1b2c3d", "commit A one B two C three D"),
        ("at 9f8e7d6c5b4a39281706f5e4d3c2b1a098765432", "at nine F eight E seven D six"),
        ("550e8400-e29b-41d4-a716-446655440000", "five five zero E eight four zero zero"),
        ("HEAD~2 HEAD^", "HEAD tilde two HEAD caret".replace("HEAD", "head")),
        ("v1.0..v2.0 main..dev", "version one point zero to version two point zero main to dev"),
        ("[3/10] 42/100 step 3/10", "three of ten forty two of one hundred step three of ten"),
        ("PR #123 fixes #42", "PR number one twenty three fixes number forty two"),
        ("L10-L20, L42", "lines ten to twenty, line forty two"),
        ("- [x] done", "- checked done"),
        ("- [ ] open", "- unchecked open"),
        ("✓ ok ✗ bad", "check ok cross bad"),
        ("\x1b[1;31mred\x1b[0m \\x1b[32mgreen", "red green"),
        ("│ x │ ┌──┐ █████░░░", " x   "),
        ("[####    ] [=====>   ]", " "),
        ("===== 4 passed =====", " 4 passed "),
        ("#ff8800 #fff", "hash F F eight eight zero zero hash F F F"),
        ("$ git status", "git status"),
        ("• item", " item"),
        ("#include", "hash include"),
        ("x > /dev/null 2>&1", "x to slash dev slash null two to one"),
    ],
)
def test_is_read_as_a_developer_reads_it(said, text, expected):
    """Signs are spoken by name; decoration is left out."""
    assert said(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "well-known",
            "yes -- no",
            "can; --but I must",
            "`--yes, that's it",
            "he said. --Come",
            "the suffix -ing",
            "3/4",
        ),
        *("$5", "24/7", "9/11", "50/50", "12/31", "US$ 5", "deadbeef", "1234567", "12345e67", "a face", "-5 degrees"),
        *("old wo-\n-but then", "L4", "word---word", "wait...what", "M*A*S*H", "5-10", "rock 'n' roll", "(+1 555)"),
    ],
)
def test_prose_is_left_alone(rewrites, text):
    """Dashes, dollars and fractions of prose are left alone."""
    assert rewrites(text) == []


def test_other_ways_to_say_it_count(all_readings):
    """Other valid readings are listed too."""
    assert {"double dash dry run", "dash dash dry dash run"} <= set(all_readings("--dry-run"))
    assert {"home"} <= set(all_readings("$HOME"))
    assert {"one twenty three", "number one hundred twenty three"} <= set(all_readings("#123"))


def test_costs_grow_with_the_length_alone(slow, trap):
    """Each rule reads 100,000 characters of each trap in at most 5 s of processor time."""
    assert slow(RULES, trap) == []
