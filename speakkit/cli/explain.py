"""`speakkit explain`: show how a text would be read, and why."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from speakkit import config
from speakkit.cli import complete, output, text_input
from speakkit.engines import registry
from speakkit.errors import BadValue, ExitCode, TextError
from speakkit.speech import synthesize
from speakkit.speech.explain import ExplainedWord, Explainer, Explanation
from speakkit.text.chunks import Chunk

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="TEXT", show_default=False, help="The text to explain; - or a pipe reads standard input."),
]
VoiceName = Annotated[
    str | None,
    typer.Option(
        "--voice", "-v", metavar="VOICE", help="Voice name or blend, as with speak.", autocompletion=complete.voices
    ),
]
Raw = Annotated[bool, typer.Option("--raw", help="Read literally; ignore markup.")]
Json = Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")]
JsonLines = Annotated[
    bool, typer.Option("--jsonl", help="Explain each line separately; print one line of JSON for each.")
]

app = typer.Typer(add_completion=False)


@app.command(cls=text_input.TextCommand)
def explain(
    words: Words = None,
    voice: VoiceName = None,
    lang: text_input.Lang = None,
    file: text_input.TextFile = None,
    raw: Raw = False,
    as_json: Json = False,
    as_lines: JsonLines = False,
) -> None:
    """Show how a text would be read, and why, without speaking it.

    speakkit explain "Dr. Smith paid $5 on 3/4."

    speakkit explain --jsonl < lines.txt > explained.jsonl
    """
    if as_json and as_lines:
        raise BadValue("--json and --jsonl exclude each other; choose one")
    settings = config.load()
    text = text_input.text(words or [], file)
    with _explainer(settings.voice if voice is None else voice, lang or settings.lang or None) as explainer:

        def explained(part: str) -> Explanation:
            return explainer.explain(part, text_input.markup(part, file, raw=raw))

        if as_lines:
            raise typer.Exit(_each_line(text, explainer, explained, settings.threads))
        found = explained(text)
    if as_json:
        output.show_json(_object(found, settings.threads))
    else:
        _show(found)
    raise typer.Exit(ExitCode.LOST_WORDS if found.lost else ExitCode.DONE)


@contextmanager
def _explainer(voice: str, lang: str | None) -> Iterator[Explainer]:
    found = synthesize.find_voice(voice, lang or "")
    with synthesize.reader(found.language) as reader:
        yield Explainer(found, reader, registry.limits())


def _each_line(text: str, explainer: Explainer, explained: Callable[[str], Explanation], threads: int) -> ExitCode:
    """Print a JSON object for each line, in order; if a line has nothing to speak, its object has an "error".

    threads: processor threads by the settings
    Returns the exit code.
    """
    code = ExitCode.DONE
    for line in text.removesuffix("\n").split("\n"):
        try:
            found = explained(line)
        except TextError as error:
            output.show_json_line(_object(explainer.nothing(line), threads) | {"error": str(error)})
            lost = any(map(str.isalnum, line))
        else:
            output.show_json_line(_object(found, threads))
            lost = bool(found.lost)
        code = ExitCode.LOST_WORDS if lost else code
    return code


def _object(found: Explanation, threads: int) -> dict[str, Any]:
    """The JSON object of an explanation. threads: processor threads by the settings; 0 for torch's own count."""
    return {
        "text": found.text,
        "spoken": found.spoken,
        "phonemes": found.phonemes,
        "language": found.language,
        "voice": found.voice,
        "threads": threads,
        "words": [_word(word) for word in found.words],
        "chunks": [_chunk(chunk, found.text) for chunk in found.chunks],
        "lost": [{"text": token.text, "start": token.start} for token in found.lost],
        "warnings": list(found.warnings),
    }


def _word(word: ExplainedWord) -> dict[str, Any]:
    return {
        "text": word.text,
        "start": word.start,
        "end": word.start + len(word.text),
        "spoken": word.spoken,
        "phonemes": word.phonemes,
        "how": word.how,
        "rule": word.rule,
        "source": word.source,
        "readings": list(word.readings),
        "chunk": word.chunk,
    }


def _chunk(chunk: Chunk, text: str) -> dict[str, Any]:
    return {
        "index": chunk.index,
        "text": text[chunk.tokens[0].start : chunk.tokens[-1].end],
        "phonemes": chunk.phonemes,
        "tokens": len(chunk.phonemes),
        "seconds": round(chunk.predicted, 2),
        "gap": chunk.gap,
    }


def _show(found: Explanation) -> None:
    output.show(found.spoken)
    output.show("")
    rows = [(word.text, word.spoken, word.phonemes, word.rule or word.how, word.source) for word in found.words]
    output.show_table(
        ("word", "spoken", "phonemes", "why", "from"), [row for row in rows if any(map(str.isalnum, row[0]))]
    )
    output.show("")
    plan = [
        (str(chunk.index), str(len(chunk.phonemes)), f"{chunk.predicted:.1f}", f"{chunk.gap:g}", chunk.phonemes)
        for chunk in found.chunks
    ]
    output.show_table(("chunk", "tokens", "seconds", "gap", "phonemes"), plan)
    for token in found.lost:
        output.say(f"lost: {token.text!r} at character {token.start}; {found.voice} cannot say it")
