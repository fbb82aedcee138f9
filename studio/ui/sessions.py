"""What Gradio keeps of each page that was opened: little, and of one that was closed nothing for long.

Its own holder copies the settings of all components for every page load (0.4 MB and 30 ms, for links into a page that Studio does
not have) and keeps ten thousand of them: a server whose pages are reloaded grows by gigabytes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace

import gradio as gr
from fastapi import FastAPI
from gradio.state_holder import SessionState, StateHolder

CLOSED_FOR = timedelta(minutes=5)
"""A page whose connection broke may come back."""


class Sessions(StateHolder):  # type: ignore[misc]
    """Gradio's own, but for that."""

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            # its settings are copied of `blocks`: here of none
            lean = SimpleNamespace(default_config=self.blocks.default_config, blocks={})
            self.session_data[session_id] = SessionState(lean)
        return super().__getitem__(session_id)

    def delete_all_expired_state(self) -> None:
        """Gradio asks for it once a second."""
        super().delete_all_expired_state()
        since = datetime.now() - CLOSED_FOR
        with self.lock:
            for name, session in list(self.session_data.items()):
                if session.is_closed and self.time_last_used.get(name, since) <= since:
                    del self.session_data[name]
                    self.time_last_used.pop(name, None)


def keep_little(app: FastAPI, demo: gr.Blocks) -> None:
    """From now on; before any page is opened."""
    app.state_holder = Sessions()  # type: ignore[attr-defined]
    app.state_holder.set_blocks(demo)  # type: ignore[attr-defined]
