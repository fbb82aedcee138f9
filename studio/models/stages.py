"""A tower as a row of stages (stem, blocks, pooling, tail), cut where its adapters begin.

What lies before the first adapter is frozen, so that its states can be computed once and kept; and where the features come
from one token, the last block computes that token alone. Both are exact. How each kind of tower is cut: `stages_*.py`;
a tower that none of them knows is run whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from studio.core.interfaces import Inputs

States = dict[str, Tensor]
"""`states` `[n, …]` at a boundary between blocks and, beside it, what later stages need of the inputs; first axis the item."""


@dataclass(frozen=True, slots=True)
class Stages:
    """One tower taken apart; all of it calls the network's own modules."""

    early: Sequence[nn.Module]
    """The modules that `stem` calls: an adapter in one of them leaves nothing to cut."""
    stem: Callable[[Inputs], States]
    """Inputs on the network's device → the states before the first block."""
    blocks: Sequence[nn.Module]
    block: Callable[[nn.Module, Inputs], Tensor]
    """One block's output states."""
    pool: Callable[[Inputs], Tensor]
    """States after the last block → one vector an item `[n, d]`."""
    tail: Callable[[Tensor], Tensor]
    """`[n, d]` → features `[n, dim]`, not yet unit norm."""
    last: Callable[[nn.Module, Inputs], Tensor] | None = None
    """The last block for the pooled token alone: states before it → what `pool` would give. None where all tokens count."""

    def boundary(self) -> int:
        """How many blocks lie before the first adapter."""
        if any(map(trains, self.early)):
            return 0
        return next((i for i, block in enumerate(self.blocks) if trains(block)), len(self.blocks))

    def before(self, inputs: Inputs) -> States:
        """The states at the boundary."""
        return self._through(self.stem(inputs), self.blocks[: self.boundary()])

    def after(self, states: Inputs) -> Tensor:
        """Features from the states at the boundary."""
        return self._from(states, self.boundary())

    def whole(self, inputs: Inputs) -> Tensor:
        """Features from inputs."""
        return self._from(self.stem(inputs), 0)

    def _from(self, states: Inputs, first: int) -> Tensor:
        rest = self.blocks[first:]
        if self.last is None or not rest:
            return self.tail(self.pool(self._through(states, rest)))
        return self.tail(self.last(rest[-1], self._through(states, rest[:-1])))

    def _through(self, states: Inputs, blocks: Sequence[nn.Module]) -> States:
        now = dict(states)
        for block in blocks:
            now["states"] = self.block(block, now)
        return now


def trains(module: nn.Module) -> bool:
    """Whether training changes anything in it."""
    return any(p.requires_grad for p in module.parameters())
