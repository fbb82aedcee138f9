"""Payloads → features in batches: the next batches are decoded and scaled while one goes through the network.

Owns the model's lock (one forward pass at a time) and its threads. Refuses to be used after `close`.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from studio.core.errors import BadInput, ModelError
from studio.models.network import Network
from studio.models.projection import Beheaded

CPU_BATCH = {"image": 16, "text": 32}
"""Larger image batches fall out of the processor's cache: 16 was the fastest of 1, 16, 32 and 64."""
GPU_BATCH = {"image": 128, "text": 256}


class Embedder:
    """The batching loop of one loaded network."""

    def __init__(self, network: Network | Beheaded, dim: int, lock: threading.Lock | None = None) -> None:
        self._network: Network | Beheaded | None = network
        self._dim = dim
        self._lock = lock or threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def embed(self, modality: str, payloads: Sequence[Any]) -> Tensor:
        """Features `[n, dim]` as the network gives them, float32 on the CPU, in the payloads' order.

        Raises BadInput for a modality that it does not read, ModelError once closed.
        """
        network = self._open()
        if modality not in network.towers.modalities:
            raise BadInput(
                f"This model reads {' and '.join(network.towers.modalities)}, not {modality}.", "Choose another model."
            )
        # made outside inference mode, so that heads may train on it
        out = torch.empty(len(payloads), self._dim)
        order = _by_length(payloads)
        sizes = CPU_BATCH if network.device.type == "cpu" else GPU_BATCH
        size = sizes.get(modality, 32)
        batches = [order[i : i + size] for i in range(0, len(order), size)]
        for rows, inputs in self._prepared(network, modality, payloads, batches):
            out[rows] = self._features(modality, inputs)
        return out

    def close(self) -> None:
        """Let go of the network and stop the threads."""
        with self._lock:
            pool, self._pool, self._network = self._pool, None, None
        if pool:
            pool.shutdown(wait=False, cancel_futures=True)

    def _open(self) -> Network | Beheaded:
        if self._network is None:
            raise ModelError("This model was unloaded.", "Load it again.")
        return self._network

    def _features(self, modality: str, inputs: dict[str, Tensor]) -> Tensor:
        with self._lock:
            network = self._open()
            training = network.training
            if training:
                network.eval()
            try:
                with torch.inference_mode():
                    features: Tensor = network(modality, inputs)
                    return features.cpu()
            finally:
                if training:
                    network.train()

    def _prepared(
        self, network: Network | Beheaded, modality: str, payloads: Sequence[Any], batches: Sequence[list[int]]
    ) -> Iterator[tuple[list[int], dict[str, Tensor]]]:
        """(rows, inputs) batch by batch, some batches ahead of the one in use."""
        prepare = network.towers.inputs
        if len(batches) <= 1:
            # one batch has nothing to overlap with: no thread, no hand-over
            yield from ((rows, prepare(modality, [payloads[i] for i in rows])) for rows in batches)
            return
        waiting: deque[tuple[list[int], Future[dict[str, Tensor]]]] = deque()
        pool, workers = self._workers()
        todo = iter(batches)
        for _ in batches:
            while len(waiting) <= workers and (rows := next(todo, None)) is not None:
                waiting.append((rows, pool.submit(prepare, modality, [payloads[i] for i in rows])))
            rows, future = waiting.popleft()
            yield rows, future.result()

    def _workers(self) -> tuple[ThreadPoolExecutor, int]:
        # half of the cores: the forward pass wants the rest
        workers = max(1, min(8, (os.cpu_count() or 2) // 2))
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(workers, thread_name_prefix="prepare")
            return self._pool, workers


def _by_length(payloads: Sequence[Any]) -> list[int]:
    """Texts of like length together, so that little is padded; anything else as it comes."""
    if payloads and all(isinstance(payload, str) for payload in payloads):
        return sorted(range(len(payloads)), key=lambda i: len(payloads[i]))
    return list(range(len(payloads)))
