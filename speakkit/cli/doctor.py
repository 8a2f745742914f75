"""`speakkit doctor`: check what works on this machine, and print the commands that fix problems."""

from dataclasses import asdict
from typing import Annotated

import typer

from speakkit import config
from speakkit import doctor as checks
from speakkit.cli import output
from speakkit.errors import ExitCode

app = typer.Typer(add_completion=False)


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False) -> None:
    """Test speech on this machine, and show how to fix problems.

    Exit code 4 if speech does not work.

    speakkit doctor
    """
    findings = []
    with output.progress() as report:
        for finding in checks.examine(report, config.load):
            findings.append(finding)
            if not as_json:
                output.show_finding(finding.check, finding.state, finding.found, finding.mend)
    works = checks.speaks(findings)
    if as_json:
        output.show_json({"speaks": works, "findings": [asdict(finding) for finding in findings]})
    raise typer.Exit(ExitCode.DONE if works else ExitCode.CHECK_FAILED)
