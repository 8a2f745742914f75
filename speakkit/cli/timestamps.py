"""`speakkit timestamps`: find out when each word of a recording is said."""

import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from speakkit import config, outputfile, recording
from speakkit.audio import Audio
from speakkit.cli import complete, output, text_input, word_files
from speakkit.daemon.wire import recognizer
from speakkit.engines import locations, registry
from speakkit.errors import BadValue, ExitCode, SpeakkitError, StorageError, TextError, storage_error
from speakkit.speech import word_times
from speakkit.speech.word_times import WordTimes
from speakkit.speech_request import Markup
from speakkit.text.decode import decode
from speakkit.transcript import Transcript

STDIN = "-"

NAMED = 5
"""Maximum missing words that a warning names."""

log = logging.getLogger(__name__)

Recordings = Annotated[
    list[str],
    typer.Argument(
        metavar="AUDIO",
        show_default=False,
        help="Audio or video files, folders, or - for standard input.",
    ),
]
Text = Annotated[str | None, typer.Option("--text", "-t", metavar="TEXT", help="What is said in the recording.")]
TextFile = Annotated[
    Path | None,
    typer.Option(
        "--text-file", "-f", metavar="FILE", help="Read what is said from a file; default: FILE.txt beside it."
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="File to write; a folder for several recordings."),
]
FormatName = Annotated[
    str | None,
    typer.Option(
        "--format", metavar="FORMAT", help="json, srt, vtt, tsv, lrc or TextGrid; default: by the file's name."
    ),
]
Engine = Annotated[
    str | None,
    typer.Option("--engine", metavar="NAME", help="Aligner or recognizer, such as hama or whisper-base."),
]
Language = Annotated[
    str | None,
    typer.Option(
        "--lang",
        "--language",
        "-l",
        metavar="LANGUAGE",
        help="Language that is spoken; default: that of the text's script, or as recognized.",
        autocompletion=complete.languages,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that are not word times or captions.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON; one line for each of several recordings.")]


@dataclass(frozen=True)
class Job:
    """One recording.

    path: to read
    name: shown to the user
    target: the file to write; None to print
    """

    path: Path
    name: str
    target: Path | None


@dataclass(frozen=True)
class Request:
    """What is asked of all recordings.

    text: what is said in them; None for the text beside each, or to recognize it
    """

    text: str | None
    markup: Markup
    engine: str | None
    language: str | None


app = typer.Typer(add_completion=False)


@app.command()
def timestamps(
    recordings: Recordings,
    text: Text = None,
    text_file: TextFile = None,
    target: Output = None,
    format_name: FormatName = None,
    engine: Engine = None,
    lang: Language = None,
    as_json: Json = False,
    force: Force = False,
) -> None:
    """Find out when each word of a recording is said.

    If the text is known (--text, --text-file, or FILE.txt beside FILE.wav), its words are located in the sound. If not,
    the words are recognized first. If `speak --captions` saved FILE.json beside it, the times are read from that.

    One recording is printed, unless -o is given; for several, FILE.json is written beside each.

    speakkit timestamps talk.mp3 -o talk.srt

    speakkit timestamps clip.wav --text "Hello from speakkit." --json
    """
    locations.use(config.locations)
    if text is not None and text_file is not None:
        raise BadValue("give the text with --text or with --text-file, not both")
    known = text if text_file is None else _read_text(text_file)
    markup = Markup.PLAIN if known is None else text_input.markup(known, text_file, raw=False)
    request = Request(known, markup, engine, lang)
    with _jobs(recordings, target, format_name, prints=as_json) as jobs:
        if known is not None and len(jobs) > 1:
            raise BadValue("--text and --text-file give the text of one recording; put FILE.txt beside each of several")
        form = word_files.format_of(format_name, jobs[0].target)
        for job in jobs:
            if job.target:
                outputfile.check(job.target, form.kind, force=force)
        code = _all(jobs, request, form, as_json=as_json, prints_form=format_name is not None, force=force)
    raise typer.Exit(code)


def _all(
    jobs: Sequence[Job], request: Request, form: word_files.WordFile, *, as_json: bool, prints_form: bool, force: bool
) -> ExitCode:
    """Do all jobs, and return the exit code. A recording that fails does not affect the others."""
    codes = set()
    with output.progress(wanted=len(jobs) > 1) as report:
        for done, job in enumerate(jobs):
            report(job.name, done, len(jobs))
            try:
                found = _found(job, request)
                if job.target:
                    with outputfile.replaced(job.target, form.kind, force=force) as out:
                        out.write(form.write(job.name, found).encode())
            except BadValue:
                raise
            except SpeakkitError as error:
                if len(jobs) == 1:
                    raise
                log.warning("%s: %s", job.name, error)
                codes.add(error.exit_code)
                continue
            if as_json:
                (output.show_json if len(jobs) == 1 else output.show_json_line)(word_files.document(job.name, found))
            elif not job.target and prints_form:
                output.show_lines(form.write(job.name, found))
            elif not job.target:
                _show(found)
            codes.add(_judged(job, found))
    return ExitCode.CHECK_FAILED if ExitCode.CHECK_FAILED in codes else max(codes, default=ExitCode.DONE)


def _found(job: Job, request: Request) -> WordTimes:
    """Return the word times of one recording."""
    audio = recording.read(job.path)
    text, markup = request.text, request.markup
    if text is None and request.engine is None and job.name != STDIN:
        saved = word_times.saved(job.path, audio)
        if saved:
            return saved
    if text is None and job.name != STDIN:
        text, markup = _beside(job.path)
    if text is None:
        return _recognized(audio, request)
    return word_times.align(
        audio, text, language=request.language, engine=request.engine, markup=markup, device=config.load().device
    )


def _recognized(audio: Audio, request: Request) -> WordTimes:
    if request.engine in registry.ALIGNERS:
        raise BadValue(f"{request.engine} needs the text: give it with --text or --text-file, or name a recognizer")
    return word_times.recognize(
        audio, language=request.language, engine=request.engine, device=config.load().device, hear=_heard
    )


def _heard(audio: Audio, engine: str | None, language: str | None, device: str) -> tuple[Transcript, str]:
    """Recognize a recording by the running daemon, where the recognizer stays loaded, else in this process."""
    daemon = recognizer.running(engine or "", device) if config.load().daemon else None
    if daemon is None:
        return word_times.heard(audio, engine, language, device)
    with daemon:
        return next(daemon.transcribe([audio], language)).result(), daemon.identity.name


def _judged(job: Job, found: WordTimes) -> ExitCode:
    """Tell what is wrong with the word times, and return the exit code."""
    if found.is_foreign:
        log.warning("%s: not this text: its words are not those that are spoken", job.name)
        return ExitCode.CHECK_FAILED
    if found.missing:
        some = ", ".join(word.text for word in found.missing[:NAMED]) + ", ..." * (len(found.missing) > NAMED)
        log.warning("%s: %d of %d words were not found: %s", job.name, len(found.missing), len(found.words), some)
    if not found.words:
        log.warning("%s: no speech was recognized", job.name)
    return ExitCode.DONE


def _show(found: WordTimes) -> None:
    """Print a table of the words."""
    rows = [
        (
            "" if word.begins is None else f"{word.begins:.3f}",
            "" if word.ends is None else f"{word.ends:.3f}",
            word.text,
            word.source.value,
            "" if word.score is None else f"{word.score:.2f}",
        )
        for word in found.words
    ]
    output.show_table(("from", "to", "word", "source", "score"), rows)


@contextmanager
def _jobs(names: Sequence[str], target: Path | None, format_name: str | None, *, prints: bool) -> Iterator[list[Job]]:
    """Yield the recordings with the files to write. Raises BadValue if two would write the same file."""
    with tempfile.TemporaryDirectory(prefix="speakkit-") as folder:
        paths = [path for name in names for path in _recordings(name, Path(folder))]
        is_folder = target is not None and (len(paths) > 1 or target.is_dir() or str(target).endswith("/"))
        if target is not None and is_folder:
            with outputfile.storage_errors(f"write {target}"):
                target.mkdir(parents=True, exist_ok=True)
        suffix = word_files.suffix(format_name)
        jobs = []
        for path, name in paths:
            own = target
            if target is not None and is_folder:
                own = target / f"{path.stem}{suffix}"
            elif target is None and len(paths) > 1 and not prints:
                own = path.with_suffix(suffix)
            jobs.append(Job(path, name, own))
        by_target: dict[Path, str] = {}
        for job in jobs:
            if job.target and by_target.setdefault(job.target, job.name) != job.name:
                raise BadValue(f"{by_target[job.target]} and {job.name} would both be written to {job.target}")
        yield jobs


def _recordings(name: str, folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the recordings that an argument names. Standard input is kept in `folder`."""
    if name == STDIN:
        spooled = folder / "input"
        with spooled.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield spooled, STDIN
        return
    path = Path(name)
    if path.is_dir():
        yield from ((found, str(found)) for found in recording.found(path))
    else:
        yield path, name


def _beside(path: Path) -> tuple[str | None, Markup]:
    """Return the text beside a recording, if there is one."""
    file = path.with_suffix(".txt")
    if not file.is_file():
        return None, Markup.PLAIN
    return _read_text(file), Markup.PLAIN


def _read_text(file: Path) -> str:
    """Return the text of a file. Raises StorageError, or TextError if it is too long or no text."""
    try:
        if file.stat().st_size > text_input.LONGEST_TEXT:
            raise TextError(f"{file} is longer than {text_input.LONGEST_TEXT >> 20} MB; split it")
        return decode(file.read_bytes(), str(file))
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(error, f"read {file}") from error
