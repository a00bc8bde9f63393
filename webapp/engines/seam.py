"""What the web asks of whatever makes labs. `runtime.client.Client` fills it; mypy proves that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class Engine(Protocol):
    """A method a verb of docs/reference.md, which says what each takes and answers.

    Each raises Problem: the engine's own (`server-full`, `lab-unknown`, …), or `runtime-away` when
    it can't be reached; then nothing is known of what was asked, and asking again is safe, since
    each verb is idempotent.
    """

    def status(self) -> dict[str, Any]:
        """Whether labs can be had, and how many more."""
        ...

    def server_figures(self) -> dict[str, Any]:
        """What the engine's own processes take, and what room is left."""
        ...

    def server_doctor(self, older_than: float = 0.0) -> dict[str, Any]:
        """What the engine finds of its machine, looked at after that time."""
        ...

    def lab_create(
        self,
        *,
        key: str,
        image: str,
        until: float,
        profile: str = "plain",
        internet: bool = False,
        allowed: Sequence[str] | None = None,
        limits: Mapping[str, float] | None = None,
        own_figures: bool = False,
        in_machine: bool = False,
        rows: int = 24,
        cols: int = 80,
        replaces: str | None = None,
    ) -> dict[str, Any]:
        """The lab of that key; made when there is none yet, or only the one that it replaces."""
        ...

    def lab_get(self, lab: str) -> dict[str, Any]:
        """One living lab."""
        ...

    def lab_list(self) -> list[dict[str, Any]]:
        """Every living lab."""
        ...

    def lab_remove(self, lab: str) -> None:
        """Ends a lab and all that is in it."""
        ...

    def lab_extend(self, lab: str, until: float) -> dict[str, Any]:
        """Lets a lab live until another time, in Unix seconds."""
        ...

    def lab_pause(self, lab: str, *, is_paused: bool) -> dict[str, Any]:
        """Lets a lab stand still, its machine too, or go on."""
        ...

    def lab_allow(self, lab: str, names: Sequence[str]) -> None:
        """Lets a lab that has a list of names reach these instead."""
        ...

    def lab_warn(self, lab: str, *, idle_s: int, left_s: int) -> None:
        """Tells a lab's learner, in its terminals too, that it ends unless they use it."""
        ...

    def lab_prepare(
        self,
        lab: str,
        script: str,
        timeout_s: float = 60,
        *,
        where: str = "container",
        told: Callable[[dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """Runs commands in a lab, or in its machine, as its learner; `told` hears `done`."""
        ...

    def lab_changes(self, lab: str, fd: int) -> None:
        """Sends what a learner changed into a socket, as a tar by gzip, to its end."""
        ...

    def lab_put(self, lab: str, name: str, fd: int) -> int:
        """Puts a file into a lab, for its learner; 0 where it is there."""
        ...

    def lab_check(
        self,
        lab: str,
        script: str,
        facts: Mapping[str, Any] | None = None,
        timeout_s: float = 10,
        *,
        where: str = "container",
    ) -> dict[str, Any]:
        """Runs a step's check on a lab's container, or in its machine."""
        ...

    def lab_processes(self, lab: str) -> list[dict[str, Any]]:
        """The lab's processes as the server sees them."""
        ...

    def lab_views(
        self,
        *,
        usage: Sequence[str] = (),
        processes: Sequence[str] = (),
        plan: Sequence[str] = (),
    ) -> dict[str, dict[str, Any]]:
        """Of many labs at once: what each spends, and as `lab_processes` and `plan_read`."""
        ...

    def lab_engine(self, lab: str, what: str) -> list[dict[str, Any]]:
        """What the engine of a lab's learner says of its `containers` or `images`."""

    def lab_walls(self, lab: str) -> dict[str, Any]:
        """What the lab is made of, as it is now."""
        ...

    def terminal_open(
        self, lab: str, name: str | None = None, *, rows: int = 24, cols: int = 80
    ) -> dict[str, Any]:
        """A shell more in a lab."""
        ...

    def terminal_close(self, terminal: str) -> None:
        """Hangs up a terminal."""
        ...

    def machine_boot(self, lab: str, how: str, *, rows: int, cols: int) -> dict[str, Any]:
        """Puts the lab's machine into the queue of boots; asked again, the same machine."""
        ...

    def machine_end(self, lab: str, *, force: bool = False) -> dict[str, Any]:
        """Asks the lab's machine to stop, or stops it."""
        ...

    def meter_read(self, lab: str) -> dict[str, Any]:
        """What both sides spend, read at one moment."""
        ...

    def meter_all(self, labs: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The same of many labs at once; those that have ended are left out."""
        ...

    def meter_start(self, lab: str) -> dict[str, Any]:
        """Times the cold start of one more container like the lab's."""
        ...

    def meter_isolation(self, lab: str) -> dict[str, Any]:
        """What both sides see of kernel and hardware."""
        ...

    def work_start(self, lab: str, work: str) -> dict[str, Any]:
        """Runs one work on both sides, once it is this lab's turn."""
        ...

    def work_stop(self, lab: str) -> None:
        """Stops the lab's work, or takes it out of the line."""
        ...

    def plan_read(self, lab: str) -> dict[str, Any]:
        """How many more of each kind fit into the lab's slice of the server."""
        ...

    def plan_more(self, lab: str, kind: str) -> dict[str, Any]:
        """Starts one more of a kind, or says why the slice has no room for it."""
        ...

    def plan_less(self, lab: str) -> dict[str, Any]:
        """Ends all that `plan_more` started."""
        ...

    def image_stock(self, needs: Sequence[str] = ()) -> dict[str, Any]:
        """The images that are here and on their way, and which of those `needs` means."""
        ...

    def image_layers(self, name: str) -> list[dict[str, Any]]:
        """What each step of an image's build added."""
        ...

    def image_fetch(self, name: str, user: str = "", password: str = "") -> dict[str, Any]:
        """Begins to fetch an image for containers within labs."""
        ...

    def image_load(self, fd: int, name: str, called: str) -> dict[str, Any]:
        """Begins to take an image out of an archive, a file under this descriptor."""
        ...

    def image_make(self, fd: int, name: str) -> dict[str, Any]:
        """Begins to build `localhost/NAME` from a tar file of the folder with its Containerfile."""
        ...

    def image_stop(self, name: str) -> None:
        """Gives up a fetch."""
        ...

    def image_remove(self, name: str) -> int:
        """Removes an image of containers within labs; how many bytes that freed."""
        ...

    def image_sweep(self) -> int:
        """Removes what nothing can be made from any more; how many things went."""
        ...

    def pool_want(self, shapes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Says which labs should stand ready."""
        ...

    def events(self, cursor: int = 0) -> Iterator[dict[str, Any]]:
        """What happens, for ever."""
        ...
