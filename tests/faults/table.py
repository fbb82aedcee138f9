"""The parts of the table: what is tried, how often at most, and which of its figures have to be 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults import labelling, power, publishing, served_runs, training, two


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    full: int
    tried: Callable[[Path, int], dict[str, int | float]]
    """`tried(empty folder, how often)` → figures."""
    has_to_be_0: tuple[str, ...]


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
    )
}
"""By name. Load that needs quiet cores (50 people, a million rows, half an hour) joins this list as parts of its own."""
