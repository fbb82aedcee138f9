"""What Gradio keeps of each page that was opened: little, and of one that was closed nothing for long.

Its own holder copies the settings of all components for every page load (0.4 MB and 30 ms, for links into a page that Studio does
not have) and keeps ten thousand of them: a server whose pages are reloaded grows by gigabytes. Here a page keeps what differs
from the others alone, a quarter of the rest.
"""

from __future__ import annotations

from collections import ChainMap, OrderedDict
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.blocks import BlocksConfig
from gradio.state_holder import SessionState, StateHolder

CLOSED_FOR = timedelta(minutes=5)
"""A page whose connection broke may come back: Gradio takes it for closed, and its script does not connect again."""
MOST_FORGOTTEN = 2_000

AWAY = "This page was away for so long that Studio has forgotten what stood on it. Reload the page."


class Session(SessionState):  # type: ignore[misc]
    """Its state, and the components that an answer has changed; no settings."""

    def __init__(self, blocks: gr.Blocks, forgotten: frozenset[int] = frozenset()) -> None:
        self.forgotten = forgotten
        """Components that an answer had changed, and states, of the page as it was before."""
        super().__init__(SimpleNamespace(default_config=BlocksConfig(blocks), blocks={}))
        self.blocks_config.blocks = ChainMap({}, blocks.default_config.blocks)
        self.blocks_config.fns = blocks.default_config.fns

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        self.config_values.clear()

    def changed(self) -> frozenset[int]:
        return frozenset((*self.blocks_config.blocks.maps[0], *self.state_data))

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


class Sessions(StateHolder):  # type: ignore[misc]
    """Gradio's own, but for that."""

    def __init__(self) -> None:
        super().__init__()
        self._forgotten: OrderedDict[str, tuple[int, ...]] = OrderedDict()

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = Session(self.blocks, frozenset(self._forgotten.get(session_id, ())))
        return super().__getitem__(session_id)

    def delete_all_expired_state(self) -> None:
        """Gradio asks for it once a second."""
        super().delete_all_expired_state()
        since = datetime.now() - CLOSED_FOR
        with self.lock:
            for name, session in list(self.session_data.items()):
                if session.is_closed and self.time_last_used.get(name, since) <= since:
                    self._forgotten[name] = tuple(session.changed() | session.forgotten)
                    del self.session_data[name]
                    self.time_last_used.pop(name, None)
            while len(self._forgotten) > MOST_FORGOTTEN:
                self._forgotten.popitem(last=False)


def keep_little(app: FastAPI, demo: gr.Blocks) -> None:
    """From now on; before any page is opened."""
    app.state_holder = Sessions()  # type: ignore[attr-defined]
    app.state_holder.set_blocks(demo)  # type: ignore[attr-defined]
    preprocess = demo.preprocess_data

    async def known(block_fn: Any, inputs: Any, state: Any, *more: Any) -> Any:
        gone = state.forgotten - state.changed() if isinstance(state, Session) else frozenset[int]()
        if any(block._id in gone for block in block_fn.inputs):
            raise gr.Error(AWAY, duration=None, print_exception=False)
        return await preprocess(block_fn, inputs, state, *more)

    demo.preprocess_data = known
