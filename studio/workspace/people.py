"""Several people labelling one project: who holds what, second opinions, who agrees with whom, and what is left to settle."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from studio.core.errors import BadInput
from studio.core.results.people import Agreement, Dispute, Kappa, Opinion
from studio.core.types import NONE_OF_THESE, Item, LabelEvent
from studio.data.content import plain_name
from studio.data.kept import kept
from studio.data.opinions import NOBODY
from studio.data.project import Project
from studio.evaluation.agreement import cohen, fleiss
from studio.workspace.leases import Leases

LONGEST_NAME = 60
KEPT = "second_opinions"
"""Of the store's meta values."""
MOST_PEOPLE = 5


@dataclass(frozen=True, slots=True)
class SecondOpinions:
    """How many people label one item, and of what share of the items; one person is the usual."""

    people: int = 1
    share: float = 0.0


def person(name: str) -> str:
    """The name as it stands in an item's history. Raises BadInput for an empty one, a long one, or one that is no person's."""
    clean = plain_name(name)
    if not clean or len(clean) > LONGEST_NAME or not clean.isprintable():
        raise BadInput("This cannot be a person's name.", f"Use one line of at most {LONGEST_NAME} characters.")
    if clean.casefold() in NOBODY:
        raise BadInput(f"{clean!r} is what the data's own labels are called.", "Use another name.")
    return clean


class People:
    """Of one project."""

    def __init__(self, project: Project) -> None:
        self._store = project.store
        self.leases = Leases()

    def agreement(self) -> Agreement:
        """Counted anew from all opinions."""
        between: dict[tuple[str, str], list[tuple[str, str, int]]] = defaultdict(list)
        confused: Counter[tuple[str, str]] = Counter()
        for one, other, said, answered, n in self._store.agreements():
            between[one, other].append((said, answered, n))
            if said != answered:
                confused[min(said, answered), max(said, answered)] += n
        pairs: dict[tuple[str, str], Kappa] = {two: cohen(said) for two, said in between.items()}
        of_all = fleiss(self._store.shared())
        most = tuple((*classes, n) for classes, n in confused.most_common(20))
        return Agreement(tuple(self._store.people()), pairs, of_all, most, self._store.disputes())

    def spelling(self, name: str) -> str:
        """The name as somebody who labels here writes it already, whatever its case: else one person would be counted as two."""
        known = [*self.leases.others(""), *(person.name for person in self._store.people())]
        return next((one for one in known if one.casefold() == name.casefold()), name)

    def disputed(self, after: int = 0, limit: int = 60) -> Sequence[Dispute]:
        """Items that wait to be settled, after the item `after`."""
        return self._store.disputed(after, limit)

    def disputes(self) -> int:
        """How many wait."""
        return self._store.disputes()

    def opinions(self, item: int) -> Sequence[Opinion]:
        """What people say of an item, the first first."""
        return self._store.opinions(item)

    def settle(self, item: int, label: str, author: str = "me") -> LabelEvent:
        """Say what an item is, whatever was said before; a class, or `NONE_OF_THESE`. Raises NotFound."""
        return self._store.settle(item, None if label == NONE_OF_THESE else label, author)

    def second_opinions(self) -> SecondOpinions:
        """As the project is set."""
        asked = kept(self._store, KEPT, SecondOpinions)
        return asked if asked and 1 <= asked.people <= MOST_PEOPLE and 0 <= asked.share <= 1 else SecondOpinions()

    def ask_twice(self, people: int, share: float) -> SecondOpinions:
        """Have that share of the items labelled by so many people, who do not see what the others said. Raises BadInput."""
        if not 1 <= people <= MOST_PEOPLE or not 0 <= share <= 1:
            raise BadInput(f"{people} people on {share:.0%} of the items cannot be.", f"Choose 1 to {MOST_PEOPLE} people.")
        wanted = SecondOpinions(people, share)
        self._store.set_meta(KEPT, asdict(wanted))
        return wanted

    def waiting(self, author: str, limit: int, after: int = 0) -> Sequence[Item]:
        """Items after the item `after` that others have labelled and that should have this person's opinion too."""
        asked = self.second_opinions()
        if asked.people < 2 or not asked.share:
            return ()
        return self._store.wanting(author, asked.people, asked.share, after, limit)
