"""What is kept of each page that was opened: its state, not the page; and of one that was closed nothing for long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

OPEN_AND_CLOSE = """
import asyncio
import sys
from datetime import datetime
from pathlib import Path
import gradio as gr
import httpx
from studio.settings import Settings
from studio.ui import launch
from studio.ui.sessions import CLOSED_FOR
from studio.workspace import Workspace

workspace = Workspace(Settings(home=Path(sys.argv[1]), offline=True))
demo = launch(workspace, block=False, warm_up_after_s=3600)
kept, names = demo.state_holder, ["open", "just closed", "closed"]
state = next(block for block in demo.blocks.values() if isinstance(block, gr.State))
desk = next(block for block in demo.blocks.values() if block.elem_id == "labeler")
client = httpx.Client(base_url=demo.local_url, timeout=30)
for name in names:
    asked = {"data": {}, "component_id": desk._id, "fn_name": "open_desk", "session_hash": name}
    assert client.post("/gradio_api/component_server", json=asked).json() == {"ok": True, "project": None}
    assert name not in kept.session_data  # what a widget's script asks needs none
    kept[name][state._id] = name
kept["open"][desk._id] = gr.HTML("another", render=False)
kept["open"]._update_config(desk._id)
kept["open"]._update_value_in_config(desk._id, "a long one")
assert [kept[name][desk._id] is desk for name in names] == [False, True, True]
for name in names:
    own = kept[name].blocks_config
    assert not kept[name].config_values and len(own.blocks.maps[0]) == (name == "open") and own.fns is demo.default_config.fns
assert [kept[name][state._id] for name in names] == names
kept["just closed"].is_closed = kept["closed"].is_closed = True
kept.time_last_used["open"] = kept.time_last_used["closed"] = datetime.now() - 2 * CLOSED_FOR
kept.delete_all_expired_state()
assert set(kept.session_data) == {"open", "just closed"} and "closed" not in kept.time_last_used
assert kept["open"][state._id] == "open"
# one that comes back is told so where it counts on what is forgotten, once it is more than what every page has
asked = next(fn for fn in demo.fns.values() if state in fn.inputs)
sent = [None for _ in asked.inputs]
for name in ("never seen", "just closed"):
    asyncio.run(demo.preprocess_data(asked, sent, kept[name]))
try:
    asyncio.run(demo.preprocess_data(asked, sent, kept["closed"]))
except gr.Error as error:
    assert "Reload the page" in error.message
else:
    raise AssertionError("not told")
plain = next(fn for fn in demo.fns.values() if not fn.inputs)
asyncio.run(demo.preprocess_data(plain, [], kept["closed"]))
kept["closed"][state._id] = "again"
asyncio.run(demo.preprocess_data(asked, sent, kept["closed"]))
client.close()
demo.close()
workspace.close()
"""


def test_an_open_page_keeps_its_state_and_a_closed_one_is_forgotten_after_a_while(tmp_path: Path) -> None:
    # a process of its own: Gradio leaves event loops and sockets open
    script = [sys.executable, "-c", OPEN_AND_CLOSE, str(tmp_path / "home")]
    ended = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
