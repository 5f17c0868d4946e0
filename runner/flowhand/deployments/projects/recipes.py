"""The project files that `flowhand init` writes: one recipe for each way of bringing code to its runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flowhand.deployments.images.dockerfile import ROOT
from flowhand.deployments.projects.project_file import NAMES
from flowhand.errors import ConfigurationError

_STEPS: Final = "flowhand.deployments.steps"
_BUILD: Final = f"""\
  - {_STEPS}.build_docker_image:
      id: build_image
      image_name: $image_name
      tag: $tag
      dockerfile: $dockerfile
"""
_PUSH: Final = f"""\
  - {_STEPS}.push_docker_image:
      image_name: "{{{{ build_image.image_name }}}}"
      tag: "{{{{ build_image.tag }}}}"
"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way for code to reach its runs. `fields` has to be said by whoever uses it: name and what it is."""

    about: str
    fields: Mapping[str, str]
    push: str = ""
    pull: str = ""
    with_image: bool = False


_IMAGE_FIELDS: Final = {"image_name": "the image's name, with its registry", "tag": "the image's tag"}


def _store(about: str, kind: str, holder: str) -> Recipe:
    push = f"  - {_STEPS}.push_to_{kind}:\n      id: push_code\n      {holder}: ${holder}\n      folder: $name\n"
    pull = f'  - {_STEPS}.pull_from_{kind}:\n      {holder}: "{{{{ push_code.{holder} }}}}"\n      folder: "{{{{ push_code.folder }}}}"\n'
    return Recipe(about, {holder: f"the {holder} that code is kept in"}, push, pull)


_PLAIN: Final[dict[str, Recipe]] = {
    "local": Recipe("The code stays in this folder", {}, pull=f"  - {_STEPS}.set_working_directory:\n      directory: $directory\n"),
    "git": Recipe(
        "Runs fetch the code from a git repository",
        {"repository": "the repository's URL", "branch": "the branch"},
        pull=f"  - {_STEPS}.git_clone:\n      repository: $repository\n      branch: $branch\n",
    ),
    "s3": _store("The code is put into an S3 bucket", "s3", "bucket"),
    "gcs": _store("The code is put into a Google Cloud Storage bucket", "gcs", "bucket"),
    "azure": _store("The code is put into an Azure Blob Storage container", "azure_blob_storage", "container"),
}
RECIPES: Final[dict[str, Recipe]] = {
    **_PLAIN,
    "docker": Recipe(
        "The code is in an image that is built for it",
        _IMAGE_FIELDS,
        pull=f"  - {_STEPS}.set_working_directory:\n      directory: {ROOT}/$folder\n",
        with_image=True,
    ),
    **{
        f"docker-{name}": Recipe(
            f"{recipe.about}, and run in an image of their own", {**_IMAGE_FIELDS, **recipe.fields}, recipe.push, recipe.pull, True
        )
        for name, recipe in _PLAIN.items()
        if name != "local"
    },
}


def fitting_recipe(folder: Path) -> str:
    """What a folder looks like: a repository, one with a Dockerfile, or neither."""
    in_git, has_dockerfile = bool(_git("remote", "get-url", "origin")), (folder / "Dockerfile").is_file()
    if in_git:
        return "docker-git" if has_dockerfile else "git"
    return "docker" if has_dockerfile else "local"


def known_fields(folder: Path) -> dict[str, str]:
    """What can be told of a folder without asking."""
    found = {
        "directory": str(folder),
        "dockerfile": "Dockerfile" if (folder / "Dockerfile").is_file() else "auto",
        "repository": _git("remote", "get-url", "origin"),
        "branch": _git("branch", "--show-current"),
        "tag": "latest",
        "folder": folder.name,
    }
    return {name: value for name, value in found.items() if value}


def missing_fields(recipe: str, fields: Mapping[str, str]) -> dict[str, str]:
    """What has to be said yet: name and what it is. ConfigurationError for an unknown recipe, or fields that it does not have."""
    if recipe not in RECIPES:
        raise ConfigurationError(f"there is no recipe {recipe!r}; there are {', '.join(RECIPES)}")
    return {name: about for name, about in RECIPES[recipe].fields.items() if name not in fields}


def write_project(folder: Path, name: str, recipe: str, fields: Mapping[str, str]) -> Path | None:
    """Writes the file; None when the folder has a project file already, which stays as it is."""
    if any((folder / known).exists() for known in NAMES):
        return None
    path = folder / NAMES[0]
    path.write_text(project_text(name, recipe, fields), encoding="utf-8")
    return path


def project_text(name: str, recipe: str, fields: Mapping[str, str]) -> str:
    """The file's text, with all fields filled in."""
    chosen, values = RECIPES[recipe], {**fields, "name": name}
    sections = {
        "build": ("Before deploying: what is built", _BUILD if chosen.with_image else ""),
        "push": ("Before deploying: what is put where runs find it", (_PUSH if chosen.with_image else "") + chosen.push),
        "pull": ("Before each run: how it comes to its code", chosen.pull),
    }
    text = (
        f"# The deployments of this folder: `flowhand deploy --all` creates or updates them.\n# {chosen.about}.\nname: {json.dumps(name)}\n"
    )
    for section, (about, steps) in sections.items():
        text += f"\n# {about}\n{section}:{f'{chr(10)}{steps}' if steps else ' null' + chr(10)}"
    image = '      job_variables:\n        image: "{{ build_image.image }}"\n' if chosen.with_image else ""
    return (
        _filled(text, values)
        + f"""
deployments:
  - name: default
    entrypoint: null # path/to/file.py:my_flow
    parameters: {{}}
    tags: []
    schedules: [] # such as - cron: "0 9 * * 1-5"
    work_pool:
      name: null
{image}"""
    )


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name in sorted(values, key=len, reverse=True):
        text = text.replace(f"/${name}", f"/{values[name]}").replace(f"${name}", json.dumps(values[name]))
    return text


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
