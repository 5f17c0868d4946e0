"""The keeper: one table of operations over the attempts it holds. docs/protocol.md, "The keeper", says what each may be relied on for."""

from __future__ import annotations

import os
import re
from typing import Any, Final

from flowhand.keeper import exits, forking, memory, permits, warm
from flowhand.keeper.attempt import Attempt
from flowhand.keeper.cgroups import Cgroups
from flowhand.keeper.door import Door
from flowhand.keeper.family import Family
from flowhand.keeper.files import Reserve
from flowhand.keeper.instance import Instance
from flowhand.keeper.log import say
from flowhand.keeper.loop import Loop, Timer, now
from flowhand.keeper.mark import LONGEST
from flowhand.keeper.outputs import Outputs
from flowhand.keeper.protocol import PROTOCOL, Message, Refused
from flowhand.keeper.reaper import Reaper
from flowhand.keeper.spare import Spare
from flowhand.keeper.spawning import Planner
from flowhand.wire.job import key_of

_LAST_GRACE: Final = 10.0
"""Seconds attempts have when the keeper itself is asked to end (a host going down)."""
_REFILL_S: Final = 0.5
"""Seconds between tries to set the reserve aside again."""
_SPARE: Final = 64
"""Descriptors kept for everything but attempts, so that the keeper never fails for want of one."""
_KEY: Final = re.compile(r"[0-9A-Za-z_-]{1,80}\.[0-9]{1,9}")


class Keeper:
    """Lives in `serve` until nobody needs it: `alone_s` seconds without a daemon and without living attempts. In a forked child, `serve`
    raises `forking.Newborn`."""

    def __init__(self, instance: Instance, surroundings: forking.Surroundings, cgroups: Cgroups, version: str, alone_s: float) -> None:
        self.loop = Loop()
        self.family: Family[Attempt] = Family()
        self.cgroups = cgroups
        self._instance = instance
        self._surroundings = surroundings
        self._baseline = warm.up()
        self._planner = Planner(os.environ)
        self._spare = Spare(surroundings)
        self._has_pydantic = False
        self._memory = memory.Watch()
        self._reserve = Reserve(instance.folder, f"keeper.reserve{instance.suffix}")
        self._refilling = False
        self._attempts: dict[str, Attempt] = {}
        self._found = exits.keys(instance.runs)
        """Attempts of earlier keepers that have files here; those with an exit are held like our own."""
        self._ended_before = {key: told for key in self._found if (told := exits.read(instance.runs, key)) is not None}
        self._given_up: set[str] = set()
        """Attempts that were to be forgotten while they lived: killed, and forgotten at their end without a word."""
        self._grown: set[Attempt] = set()
        self._retired = False
        self._ending = False
        """SIGTERM has come: nobody makes up for that."""
        self._leaving = False
        self._alone_s = alone_s
        self._alone: Timer | None = None
        self._reaper = Reaper(self.loop, self.family, self._asked_to_end)
        self._door = Door(self.loop, instance, version, self._operations(), self._daemon_changed)
        instance.announce(PROTOCOL, version)

    def serve(self) -> None:
        """Turns until it may leave."""
        self._consider_leaving()
        while not self._leaving:
            self.loop.turn()
            self.family.turn()
            self._keep_reserve()
            self._ring_doorbells()
            self._door.flush()
            if self._door.attended and not self._retired:
                self._spare.prepare()
        self._spare.dismiss()
        self._instance.withdraw()
        self.cgroups.close()

    # --- operations

    def _operations(self) -> dict[str, Any]:
        return {
            "START": self._start,
            "LIST": self._list,
            "FOLLOW": self._follow,
            "DEADLINE": self._deadline,
            "KILL": self._kill,
            "FORGET": self._forget,
            "RETIRE": self._retire,
        }

    def _start(self, message: Message) -> Message:
        job = message["job"]
        key = key_of(job["run_id"], job["attempt"])
        attempt = self._attempts.get(key)
        if attempt is None:
            if now() > message.get("until", now()):
                raise Refused("it was asked for so long ago that whoever asked has given it up")
            self._refuse_unless_new(key, job)
            attempt = self._attempts[key] = self._bring_up(key, job, float(message["grace_s"]))
            attempt.extend(message["kill_at"])
            self._consider_leaving()
        return {"pid": attempt.pid, "spawned": attempt.spawned}

    def _list(self, _: Message) -> Message:
        ours = [{"key": a.key, "pid": a.pid, "mark": a.mark, "sizes": a.outputs.sizes(), "exit": a.exit} for a in self._attempts.values()]
        before = [{"key": key, "pid": 0, "mark": "", "sizes": told["sizes"], "exit": told} for key, told in self._ended_before.items()]
        return {"held": ours + before}

    def _follow(self, message: Message) -> Message:
        for key in message["keys"]:
            attempt = self._attempts.get(key)
            if attempt is not None:
                attempt.followed = True
                self.grown(attempt)
        return {}

    def _deadline(self, message: Message) -> Message:
        for key, kill_at in message["kill_at"].items():
            attempt = self._attempts.get(key)
            if attempt is not None:
                attempt.extend(kill_at)
        return {}

    def _kill(self, message: Message) -> Message:
        attempt = self._attempts.get(message["key"])
        if attempt is not None:
            attempt.stop(message["reason"], float(message["grace_s"]))
        return {}

    def _forget(self, message: Message) -> Message:
        key = message["key"]
        attempt = self._attempts.get(key)
        if attempt is not None and attempt.exit is None:
            self._given_up.add(key)
            attempt.stop("fenced", 0.0)
            return {}
        if _KEY.fullmatch(key):
            exits.remove(self._instance.runs, key)
        self._attempts.pop(key, None)
        self._ended_before.pop(key, None)
        self._found.discard(key)
        self._consider_leaving()
        return {}

    def _retire(self, _: Message) -> Message:
        self._retired = True
        self._consider_leaving()
        return {}

    # --- bringing up

    def _refuse_unless_new(self, key: str, job: dict[str, Any]) -> None:
        if self._retired:
            raise Refused("this keeper is retired and starts nothing")
        if (len(self.family) + 1) * forking.DESCRIPTORS + _SPARE > self._surroundings.descriptors:
            raise Refused(f"{len(self.family)} runs are all that {self._surroundings.descriptors} descriptors (ulimit -n) allow")
        if not _KEY.fullmatch(key):
            raise Refused(f"{key!r} cannot name files")
        if key in self._found:
            raise Refused(f"files of an earlier process of {key} are still here; forget it first")
        if len(job["mark"].encode()) > LONGEST:
            raise Refused(f"the mark {job['mark']!r} is longer than {LONGEST} bytes")

    def _bring_up(self, key: str, job: dict[str, Any], grace_s: float) -> Attempt:
        plan = self._planner.plan(job)
        self._reserve.refill()
        kills = self._memory.before()
        if plan.argv is not None:
            job = {**job, "env": {**job["env"], "FLOWHAND__JOB": self._instance.file_job(key, job)}}
        elif warm.up_for(job):
            self._spare.dismiss()
        if plan.argv is None and "ended" not in job:  # any other program may be of a flowhand that knows no permits
            job = {**job, "permit": self._instance.give_permit(key)}
        birth = (self._spare.take(job) if plan.argv is None else None) or forking.fork(self._surroundings, job, plan.argv)
        baseline = 0 if plan.argv else self._baseline
        attempt = Attempt(self, key, job["mark"], birth.pid, spawned=plan.why, grace_s=grace_s, baseline=baseline, kills=kills)
        attempt.permitted = job.get("permit") is not None
        attempt.outputs = Outputs(
            self.loop,
            self._instance.runs,
            key,
            birth.ends,
            self._reserve,
            grown=lambda: self.grown(attempt),
            ended=attempt.settle,
            peek=attempt.heard,
        )
        self.family.add(attempt)
        self.cgroups.enter(key, birth.pid)
        return attempt

    # --- what an attempt needs of us

    def withdraw_permit(self, attempt: Attempt) -> bool:
        """Whether it had not begun; from now on it does not."""
        return permits.withdraw(self._instance.runs, attempt.key)

    def grown(self, attempt: Attempt) -> None:
        """Its files have grown; the doorbell is rung at the end of the turn."""
        self._grown.add(attempt)

    def ended(self, attempt: Attempt, told: exits.ExitMessage) -> None:
        """Its exit is filed first, then told."""
        self.family.remove(attempt)
        self.cgroups.leave(attempt.key)
        self._grown.discard(attempt)
        if attempt.key in self._given_up:
            self._given_up.remove(attempt.key)
            self._forget({"key": attempt.key})
            return
        try:
            exits.write(self._instance.runs, attempt.key, told, self._reserve)
        except OSError as error:
            say(f"the exit of {attempt.key} cannot be filed, only told: {error}")
        self._door.tell({"op": "EXIT", "key": attempt.key, "exit": told})
        self._consider_leaving()

    def wants_pydantic(self) -> None:
        """A forked run has loaded pydantic. The next ones find it in the image, from the end of this turn on."""
        if not self._has_pydantic:
            self._has_pydantic = True
            self.loop.at(now(), self._load_pydantic)

    def _load_pydantic(self) -> None:
        self._spare.dismiss()
        self._baseline = warm.up_with_pydantic()
        self._planner = Planner(os.environ)

    def killed_for_memory(self, kills_before: int) -> bool:
        """Whether a SIGKILL of unknown origin may be the kernel's, for want of memory."""
        return self._memory.suspected(kills_before)

    def _keep_reserve(self) -> None:
        """Once it is used up it is set aside again as soon as there is room, lest the next full disk find none."""
        if not self._reserve.held and not self._refilling:
            self._refilling = True
            self.loop.at(now() + _REFILL_S, self._refill)

    def _refill(self) -> None:
        self._refilling = False
        self._reserve.refill()

    # --- coming and going

    def _ring_doorbells(self) -> None:
        if not self._grown or self._door.busy:
            return
        for attempt in self._grown:
            if attempt.followed:
                self._door.tell({"op": "GROWN", "key": attempt.key, "sizes": attempt.outputs.sizes()})
        self._grown.clear()

    def _daemon_changed(self) -> None:
        """A new daemon is told every exit again and follows what it asks to follow. Whether we are retired is its own to say: one before it
        that left us with something may have meant to need no keeper any more."""
        if self._door.attended:
            self._retired = self._ending
            if self._ending:
                self._door.tell({"op": "RETIRED"})
            for key, told in self._ended_before.items():
                self._door.tell({"op": "EXIT", "key": key, "exit": told})
            for attempt in self._attempts.values():
                attempt.followed = False
                if attempt.exit is not None:
                    self._door.tell({"op": "EXIT", "key": attempt.key, "exit": attempt.exit})
        self._consider_leaving()

    def _asked_to_end(self) -> None:
        """SIGTERM at the keeper itself: its attempts first. Their exits are filed; the next keeper tells them."""
        say("asked to end")
        self._retired = self._ending = True
        self._door.tell({"op": "RETIRED"})
        for attempt in self._living():
            attempt.stop("drain", min(attempt.grace_s, _LAST_GRACE))
        self.loop.at(now(), self._leave_when_empty)

    def _leave_when_empty(self) -> None:
        if self._living():
            self.loop.at(now() + 0.05, self._leave_when_empty)
        else:
            self._leave()

    def _living(self) -> list[Attempt]:
        return [attempt for attempt in self._attempts.values() if attempt.exit is None]

    def _consider_leaving(self) -> None:
        if self._retired and not self._attempts and not self._ended_before:
            self._leave()
        needed = self._door.attended or bool(self._living())
        if needed and self._alone is not None:
            self._alone.cancel()
            self._alone = None
        elif not needed and self._alone is None:
            self._alone = self.loop.at(now() + self._alone_s, self._leave)

    def _leave(self) -> None:
        self._leaving = True
