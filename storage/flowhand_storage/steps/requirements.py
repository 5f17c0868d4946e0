"""The step that gives a run the packages of a requirements file."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from flowhand_storage.errors import SourceNotFound
from flowhand_storage.steps.interpreter import find_uv, python_of, use_environment
from flowhand_storage.steps.program import Output, run_program
from flowhand_storage.steps.progress import StepRun

_INCLUDED = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)")
_LOCAL = re.compile(r"^\s*(?:-e\b|--editable\b|[./~]|file:)|@\s*file:", re.MULTILINE)


def pip_install_requirements(
    run: StepRun, *, directory: str | None = None, requirements_file: str = "requirements.txt", stream_output: bool = True
) -> dict[str, str]:
    """Run in an environment with what `requirements_file` in `directory` asks for. Puts out `python`, `stdout` and `stderr`.

    Built once per content of the file (and of the files that it includes) and interpreter, with uv where there is one, else with pip.
    """
    folder = run.path(directory)
    file = folder / requirements_file
    if not file.is_file():
        raise SourceNotFound(f"there is no requirements file {file}")
    output, content = Output(), _content(file)
    if _LOCAL.search(content):
        # What lies in the folder itself is installed from there, so another folder is another environment.
        content += f"\n# in {folder.resolve()}"

    def install(environment: Path) -> None:
        for command in _commands(run, environment, file):
            run_program(run, command, folder, run.context.environ, output, stream=stream_output)

    python = use_environment(run, "requirements", content.encode(), install)
    return {"python": str(python)} | output.as_outputs()


def _commands(run: StepRun, environment: Path, file: Path) -> list[list[str]]:
    python = str(python_of(environment))
    if (uv := find_uv(run.context.environ)) is not None:
        return [
            [uv, "venv", "--quiet", "--no-project", "--allow-existing", "--python", sys.executable, str(environment)],
            [uv, "pip", "install", "--python", python, "--requirement", str(file)],
        ]
    return [
        [sys.executable, "-m", "venv", str(environment)],
        [python, "-m", "pip", "install", "--disable-pip-version-check", "--requirement", str(file)],
    ]


def _content(file: Path, seen: frozenset[Path] = frozenset()) -> str:
    """The file's text with that of all files which it includes."""
    text = file.read_text(encoding="utf-8", errors="replace")
    seen |= {file}
    for line in text.splitlines():
        if (match := _INCLUDED.match(line)) and (included := file.parent / match[1]) not in seen and included.is_file():
            text += f"\n# {match[1]}\n" + _content(included, seen)
    return text
