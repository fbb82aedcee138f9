"""The parts of the table: what is tried, how often at most, which of its figures have to be 0, and which below what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import annotators
from tests.faults import labelling, load, power, publishing, served_runs, soak, training, two


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    full: int
    tried: Callable[[Path, int], dict[str, int | float]]
    """`tried(empty folder, how often)` → figures."""
    has_to_be_0: tuple[str, ...]
    limits: Mapping[str, float] = field(default_factory=dict)
    """{figure: what it has to be below}."""


_NEVER = ("partial", "orphans")

PARTS = {
    part.name: part
    for part in (
        Part(
            "kills-while-labelling",
            200,
            labelling.kills_while_labelling,
            ("gone_after_a_kill", "lost", "twice", "people_whose_acts_differ", "refused"),
        ),
        Part("kills-in-imports", 50, publishing.kills_in_imports, _NEVER),
        Part("kills-in-exports", 50, publishing.kills_in_exports, _NEVER),
        Part("kills-in-publishing", 50, publishing.kills_in_publishing, _NEVER),
        Part(
            "kills-in-trainings",
            30,
            training.kills_in_trainings,
            ("not_seen_as_interrupted", "not_resumed", "losses_differ", "adapters_differ", "orphans"),
        ),
        Part(
            "kills-under-a-training",
            20,
            served_runs.kills_of_the_server,
            ("not_seen_as_interrupted", "not_resumable", "told_otherwise", "not_done", "losses_differ", "adapters_differ"),
        ),
        Part("cancels", 100, training.cancels, ("over_5_s", "not_stopped", "zombies", "processes_left", "threads_more", "stuck")),
        Part("power-cuts", 1, power.power_cuts, ("neither_old_nor_new", "lost_after_its_end")),
        Part("two-studios", 50, two.two_studios, ("lost", "twice", "damaged")),
        Part("fifty-people", 3, load.fifty_people, annotators.WRONG, {"p95_ms": 100, "p99_ms": 300}),
        Part("fifty-people-beside-an-import", 3, load.fifty_people_beside_an_import, annotators.WRONG, {"p95_ms": 200}),
        Part("a-million-rows", 1, load.a_million_rows, (), load.LIMITS),
        Part("soak", 1, soak.half_an_hour, soak.WRONG, {"grows_mb_a_min": 1}),
    )
}
"""By name. The last four are load: their times mean something on cores that do nothing else."""
