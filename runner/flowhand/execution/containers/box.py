"""One container at the engine: made, started, its output carried on, stopped, its end seen."""

from __future__ import annotations

import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flowhand.deployments.images.engine import answering
from flowhand.errors import EngineUnavailable, LaunchError
from flowhand.execution.containers.handover import HOST, INSIDE
from flowhand.execution.containers.output import Output
from flowhand.execution.containers.removing import GONE, discard
from flowhand.keeper.linux import RUN_WEIGHT
from flowhand.wire.job import HANDOVER, Container

if TYPE_CHECKING:
    from docker import DockerClient

KEY_LABEL: Final = "io.flowhand.key"
INSTANCE_LABEL: Final = "io.flowhand.instance"
_KILLED: Final = 137
"""The exit code of a container that SIGKILL ended."""
_SIGNALLED: Final = 128
_GONE: Final = 404
_HEARD_S: Final = 2.0
_AGAIN_S: Final = 0.1
_AGAIN_MOST_S: Final = 5.0
"""How long until an engine that went away is asked again: twice as long each time, at most so long."""


@dataclass(frozen=True, slots=True)
class End:
    """How a container ended."""

    code: int
    words: str
    """The same for people, and what the code does not tell."""


class Box:
    """Made by `make`, which may take as long as pulling the image does."""

    def __init__(self, client: DockerClient, container: Any, about: Container) -> None:
        self._client, self._container, self._about = client, container, about

    @classmethod
    def make(cls, client: DockerClient, about: Container, shared: Path) -> Box:
        """The container, not started. LaunchError in words when there is no such image or the engine refuses: none is left then.

        EngineUnavailable when it does not answer; it may have made one all the same.
        """
        from docker.errors import APIError  # 150 ms, and only containers want it

        try:
            with answering():
                _provide(client, about)
                container = client.containers.create(about["image"], about["command"], **_options(about, shared))
                _connect(client, container, about["networks"][1:])
        except APIError as error:
            raise LaunchError(f"the container of image {about['image']!r} cannot be made: {error.explanation or error}") from error
        return cls(client, container, about)

    def run(self) -> End:
        """Starts it, carries its output on to ours, and waits for its end. LaunchError when it does not start: it is removed then.

        Once it has started, an engine that goes away is waited for, as long as whoever has us lets us: what is in the container goes on, or
        its end is told then. EngineUnavailable when the engine does not answer before, or cannot say how it ended; the container may go on.
        """
        from docker.errors import APIError  # see `make`

        output = Output(self._client, self._container.id)
        try:
            with answering():
                output.follow()
                self._container.start()
        except APIError as error:
            discard(self._container)
            raise LaunchError(f"the container of image {self._about['image']!r} cannot be started: {error.explanation or error}") from error
        code = self._code(output)
        return End(code, self._why_killed() if code == _KILLED else _in_words(code))

    def stop(self) -> None:
        """Asks its first process to end; nothing when it has. EngineUnavailable when the engine does not hand that on."""
        from docker.errors import APIError  # see `make`

        try:
            with answering():
                self._container.kill(signal="SIGTERM")
        except APIError as error:
            if error.status_code not in GONE:  # or not running any more
                raise EngineUnavailable(f"the container cannot be asked to stop: {error.explanation or error}") from error

    def remove(self) -> None:
        """If that was wished for. What goes wrong is told on stderr: the run has ended as it has."""
        if self._about["auto_remove"]:
            discard(self._container)

    def _code(self, output: Output) -> int:
        """Of its end, which is waited for, while its output is carried on."""
        from docker.errors import APIError  # see `make`

        pause_s = _AGAIN_S
        while True:
            try:
                with answering():
                    code = int(self._client.api.wait(self._container.id, timeout=None)["StatusCode"])
            except APIError as error:
                raise EngineUnavailable(f"the container's end cannot be learnt: {error.explanation or error}") from error
            except EngineUnavailable as error:
                sys.stderr.write(f"{error}; the container may go on, and the engine is asked until it answers\n")
                pause_s = self._until_it_answers(pause_s)
                sys.stderr.write("The container engine answers again\n")
                output.resume()
            else:
                output.settle()
                return code

    def _until_it_answers(self, pause_s: float) -> float:
        """Asks it again and again, first after so many seconds; the pause that comes next, should it go away again."""
        from docker.errors import APIError  # see `make`

        while True:
            time.sleep(pause_s)  # an engine that comes back has no bell
            pause_s = min(2 * pause_s, _AGAIN_MOST_S)
            try:
                with answering():
                    self._client.ping()
            except (APIError, EngineUnavailable):
                continue
            return pause_s

    def _why_killed(self) -> str:
        """Who sent it SIGKILL. Of want of memory the engine hears on another way than of the end, and maybe later."""
        from docker.errors import APIError  # see `make`

        deadline = time.monotonic() + _HEARD_S
        while time.monotonic() < deadline:
            try:
                with answering():
                    self._container.reload()
            except APIError as error:
                if error.status_code == _GONE:
                    return "The container was removed while the run was in it."
                break
            except EngineUnavailable:  # it has ended, whatever else may be learnt
                break
            if self._container.attrs["State"].get("OOMKilled"):
                return f"Out of memory: the kernel killed the container{self._at_its_limit()}."
            time.sleep(0.05)  # a flag of the engine has no bell
        return "The container was killed by SIGKILL, as by docker kill or an engine that stops."

    def _at_its_limit(self) -> str:
        limit = self._container.attrs["HostConfig"].get("Memory")
        return f" at its limit of {limit / (1 << 20):.0f} MiB" if limit else ""


_WORDS: Final = {
    0: "The container ended without a result.",
    126: "The container ended with status code 126: its command cannot be executed.",
    127: "The container ended with status code 127: its command was not found.",
    _SIGNALLED + signal.SIGTERM: "The container was told to end by SIGTERM, but not by its worker (docker stop, or a host that goes down).",
}


def _in_words(code: int) -> str:
    if code in _WORDS:
        return _WORDS[code]
    try:
        return f"The container was ended by {signal.Signals(code - _SIGNALLED).name}."
    except ValueError:
        return f"The container exited with status code {code} without a result."


def _connect(client: DockerClient, container: Any, networks: list[str]) -> None:
    """To further networks; the container is removed when one refuses."""
    from docker.errors import APIError  # see `Box.make`

    try:
        for network in networks:
            client.networks.get(network).connect(container)
    except APIError:
        discard(container)
        raise


def _provide(client: DockerClient, about: Container) -> None:
    """Has the image there, as the policy says."""
    from docker.errors import ImageNotFound  # see `Box.make`

    policy = about["image_pull_policy"] or "IfNotPresent"
    if policy == "Never":
        return
    if policy == "IfNotPresent":
        try:
            client.images.get(about["image"])
        except ImageNotFound:
            pass
        else:
            return
    name, tag = about["image"], None
    if "@" not in name and ":" not in name.rpartition("/")[2]:
        tag = "latest"
    given = about["registry_credentials"] or {}
    login = {"username": given.get("username"), "password": given.get("password")} if given else None
    client.images.pull(name, tag=tag, auth_config=login)


def _options(about: Container, shared: Path) -> dict[str, Any]:
    options: dict[str, Any] = {
        "detach": True,
        "init": True,  # reaps, and hands signals on
        "name": about["name"],
        "labels": about["labels"],
        "environment": {**about["env"], HANDOVER: INSIDE},
        "volumes": [*about["volumes"], f"{shared}:{INSIDE}"],
        "mem_limit": about["mem_limit"],
        "memswap_limit": about["memswap_limit"],
        "privileged": about["privileged"],
        "oom_score_adj": RUN_WEIGHT,
        "network": about["networks"][0] if about["networks"] else None,
        "network_mode": about["network_mode"],
        "extra_hosts": {HOST: "host-gateway"} if about["network_mode"] not in ("host", "none") else None,
    }
    return {name: value for name, value in options.items() if value is not None}
