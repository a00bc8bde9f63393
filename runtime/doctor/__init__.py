"""What this machine can do, and what to mend: a probe a function, each with found, wanted, fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.doctor import cgroups, kernel, machine, network, programs, reach, room, row
from runtime.instance import Instance
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.doctor.finding import Finding
    from runtime.settings import Settings

# What decides whether labs can run at all, the quick ones; in the order in which to mend it.
_REFUSING: tuple[Callable[[], Finding], ...] = (
    row.root,
    kernel.version,
    row.namespaces,
    row.capabilities,
    row.system_calls,
    kernel.overlay,
    cgroups.world,
)


@dataclass(frozen=True)
class Report:
    """All that doctor found.

    Attributes:
        row: the kind of machine.
        findings: one a probe.
    """

    row: row.Row
    findings: list[Finding]

    @property
    def is_ready(self) -> bool:
        """Whether labs can run here."""
        return all(finding.state != "missing" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "row": self.row.letter,
            "machine": self.row.what,
            "promise": self.row.promise,
            "ready": self.is_ready,
            "findings": [finding.as_dict() for finding in self.findings],
        }


def examine(settings: Settings) -> Report:
    """Try everything; takes about a second and changes nothing."""
    instance = Instance.at(settings.data)
    findings = [probe() for probe in _REFUSING]
    by_name = {finding.name: finding for finding in findings}
    kind = row.row(by_name["namespaces"], by_name["capabilities"])
    if by_name["root"].state == "good":
        findings += [kernel.id_mapping(settings.data), programs.firewall()]
    findings += [
        programs.oci_runtime(),
        programs.init(),
        programs.filter_(),
        programs.image_builder(),
        programs.image_fetcher(),
        programs.registry(),
        programs.own_figures(),
        network.address_range(instance),
        network.way_out(),
        network.forwarding(),
        network.names(),
        room.disk(settings.data),
        room.lab_disks(),
        room.memory(),
        kernel.clock(),
        kernel.crashes(),
        kernel.workers(),
        reach.port(settings.host, settings.port, instance),
        reach.address(settings.public_url, settings.host, settings.port, instance),
        reach.previews(settings.preview_port, settings.preview_url),
        machine.emulator(),
        machine.kvm(),
    ]
    return Report(kind, findings)


def refusal() -> Problem | None:
    """Why no lab can run here, for `serve` to say before it begins; None where they can.

    Takes some 20 ms: what can be installed, and what only makes labs worse, isn't asked here.
    """
    findings = [probe() for probe in _REFUSING]
    wrong = next((finding for finding in findings if finding.state == "missing"), None)
    if wrong is None:
        return None
    by_name = {finding.name: finding for finding in findings}
    kind = row.row(by_name["namespaces"], by_name["capabilities"])
    return Problem(
        "machine-unfit",
        f"Labs can't run here: {wrong.name} should be {wrong.wanted}, but is {wrong.found}. "
        f"(Machine {kind.letter}: {kind.what}; it gets {kind.promise}.)",
        wrong.fix,
        row=kind.letter,
        finding=wrong.name,
    )
