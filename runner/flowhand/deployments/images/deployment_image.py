"""The image that the runs of deployments are executed in."""

from __future__ import annotations

import difflib
import inspect
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from flowhand.client.identity import flowhand_version
from flowhand.deployments.images.building import Build
from flowhand.deployments.images.context import DOCKERFILE, write_context
from flowhand.deployments.images.dockerfile import Base, default_image, generated, requirements_of
from flowhand.deployments.images.engine import engine
from flowhand.deployments.images.progress import build_progress, push_progress
from flowhand.deployments.images.pushing import follow_push
from flowhand.deployments.images.reference import split_reference, tag_of_now
from flowhand.deployments.images.wheel import is_editable, wheel
from flowhand.errors import ImageBuildError, PushError
from flowhand.redaction import Redactor
from flowhand.settings import load
from flowhand_storage.scrub import is_sensitive
from flowhand_storage.secrets import reveal

if TYPE_CHECKING:
    from docker import DockerClient

_OURS_TO_SAY: Final = frozenset(
    {"path", "context", "tag", "fileobj", "custom_context", "encoding", "gzip", "decode", "quiet", "dockerfile"}
)
"""Options of the SDK that would make it another image than the one that is deployed, or hide how it goes."""


class DeploymentImage:
    """`name:tag`, built from the working directory.

    `tag` is the time in UTC unless given here or in the name. `dockerfile` is a path, or `auto` for a generated one. What else is given
    goes to the Docker SDK's build, such as `buildargs`, `platform`, `target`, `nocache` or `pull` (True unless given).
    """

    def __init__(self, name: str, tag: str | None = None, dockerfile: str | Path = "auto", **build_kwargs: Any) -> None:
        """ValueError for a name that holds another tag than the one given."""
        self.name, tagged = split_reference(name)
        if tag and tagged and tag != tagged:
            raise ValueError(f"image {name!r} has a tag and another one was given: {tag!r}; give one of them")
        self.tag = tag or tagged or tag_of_now()
        self.dockerfile = str(dockerfile)
        self.build_kwargs = build_kwargs

    @property
    def reference(self) -> str:
        """`name:tag`."""
        return f"{self.name}:{self.tag}"

    def __repr__(self) -> str:
        return f"DeploymentImage({self.reference!r})"

    def build(self) -> None:
        """Builds the image from the working directory, showing how it goes. Blocks; what is in the engine's cache is not built again.

        EngineUnavailable, ImageBuildError (with the failing step and its output), FileNotFoundError for a Dockerfile that is not there,
        TypeError for an option that the SDK does not have.
        """
        project, options = Path.cwd(), self._options()
        if self.dockerfile != "auto" and not (project / self.dockerfile).is_file():
            raise FileNotFoundError(
                f"there is no Dockerfile {project / self.dockerfile}; give its path, or leave it out for a generated one"
            )
        secrets = Redactor(str(value) for name, value in (options.get("buildargs") or {}).items() if is_sensitive(name))
        with engine() as client, build_progress(self.reference) as say:
            build = Build(self.reference, say, secrets.text)
            if self.dockerfile != "auto":
                _carry_out(client, build, options | {"path": str(project), "dockerfile": self.dockerfile, "tag": self.reference})
                return
            base = _base(client)
            options |= {"pull": options["pull"] and not base.has_flowhand}
            with _generated_context(project, base, options.get("buildargs") or {}) as context:
                made = {"fileobj": context, "custom_context": True, "dockerfile": DOCKERFILE, "tag": self.reference}
                _carry_out(client, build, options | made)

    def push(self, credentials: Mapping[str, Any] | None = None) -> None:
        """Pushes the image to the registry that its name says, showing how it goes.

        With `credentials` (`username`, `password`), else with those of `docker login`. EngineUnavailable; PushError with the registry's
        words. Idempotent.
        """
        from docker.errors import DockerException  # see engine.py

        with engine() as client, push_progress(self.reference) as advance:
            try:
                events = client.api.push(self.name, tag=self.tag, stream=True, decode=True, auth_config=_login(credentials))
                follow_push(self.reference, events, advance)
            except DockerException as error:
                raise PushError(f"pushing image {self.reference} failed: {error}") from error

    def _options(self) -> dict[str, Any]:
        """For the SDK. The same image comes of the same folder, whoever else has asked for what."""
        from docker.api.build import BuildApiMixin  # see engine.py

        known = inspect.signature(BuildApiMixin.build).parameters.keys() - {"self"}
        options = {"pull": True, "rm": True, "forcerm": True}
        for name, value in self.build_kwargs.items():
            if name in _OURS_TO_SAY:
                warnings.warn(f"{name} of image {self.reference} is not used: it is built from the working directory", stacklevel=3)
            elif name in known:
                options[name] = value
            else:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known - _OURS_TO_SAY))}"
                raise TypeError(f"image {self.reference}: a build has no option {name!r}; {hint}")
        return options


def _login(credentials: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """As the SDK takes it. None: it looks where `docker login` has put them."""
    if not credentials:
        return None
    return {"username": credentials.get("username"), "password": reveal(credentials.get("password"))}


def _carry_out(client: DockerClient, build: Build, options: dict[str, Any]) -> None:
    from docker.errors import DockerException  # see engine.py

    try:
        build.follow(client.api.build(decode=True, **options))
    except ImageBuildError:
        raise
    except (DockerException, OSError) as error:
        raise build.failed(str(getattr(error, "explanation", None) or error)) from error


def _base(client: DockerClient) -> Base:
    """What the settings name, else our own image of this very version where the engine has it, else Python's.

    Ours is never asked of a registry: under its name anybody could have published anything.
    """
    from docker.errors import ImageNotFound  # see engine.py

    named = load().base_image
    if named:
        return Base(named)
    if not is_editable():
        ours = f"flowhand:{flowhand_version()}-python{sys.version_info.major}.{sys.version_info.minor}"
        try:
            found = client.images.get(ours)
        except ImageNotFound:
            return Base(default_image())
        return Base(ours, str(found.attrs["Config"].get("User") or ""), has_flowhand=True)
    return Base(default_image())


def _generated_context(project: Path, base: Base, arguments: dict[str, Any]) -> IO[bytes]:
    requirements = requirements_of(project)
    ours: dict[str, bytes] = {}
    name = None
    if not base.has_flowhand:
        name, ours[name] = wheel()
    if requirements is not None and requirements.early:
        ours["requirements.txt"] = requirements.text.encode()
    ours["Dockerfile"] = generated(project.name, base, name, requirements, arguments).encode()
    return write_context(project, ours)


DockerImage = DeploymentImage
"""The name that users of Prefect 3 know."""
