"""The pages and their server: `build` wires the pages, `launch` serves them. Knows the workspace and core, nothing else."""

from __future__ import annotations

import gc
import secrets
import sys
import threading
from collections.abc import Sequence

import gradio as gr

from studio.core.errors import BadInput
from studio.ui import server, sessions, theme
from studio.ui.guard import LOOPBACK, MEGABYTE
from studio.ui.pages import agreement, check, compare, data, groups, label, models, share, start, test, train
from studio.workspace import Workspace
from studio.workspace.accounts import Accounts

PAGES = (data, check, models, label, groups, agreement, train, test, compare, share)
"""Every page but the first, in the order of the steps; checks are a part of Data, groups and agreement of labelling."""

UPLOAD_LIFE_S = 24 * 3600
"""How long an uploaded file stays in the cache; an import has copied what it wants long before."""

WARM_UP_AFTER_S = 3.0
"""Between the server's start and importing torch, so that the first page does not share the processor with it."""

LOOK_AT_QUEUE_S = 0.02

TURN_S = 0.0005
"""How long a thread that computes in Python may run on while another waits. Python's own is 5 ms, and an act goes through some
six threads' turns: with an import and the warm-up at once fifty people waited for two seconds."""

SHARED_AS = ".gradio.live"
"""Where Gradio's tunnel ends."""
FIRST_ACCOUNT = "me"


def build(workspace: Workspace) -> gr.Blocks:
    """All pages of one workspace, not yet served."""
    with gr.Blocks(title="Studio", analytics_enabled=False, delete_cache=(3600, UPLOAD_LIFE_S)) as demo:
        start.build(workspace)
        for page in PAGES:
            # what `demo.route` does, without leaving and entering the Blocks: each leaving makes a FastAPI app of 90 routes,
            # which for seven pages is half a second of the start
            demo.pages.append((page.PATH, page.TITLE, False))
            demo.current_page = page.PATH
            page.build(workspace)
    return demo


def doorkeeper(workspace: Workspace, host: str, share: bool) -> Accounts | None:
    """Who may sign in, None where nobody has to. Makes the first account where there is none, and prints its password.

    Raises BadInput where the pages would be open to strangers.
    """
    if not workspace.settings.login:
        if host not in LOOPBACK:
            raise BadInput(
                f"Studio serves {host} only with a login: it is open to whoever reaches this computer.",
                "Add --auth, or leave --host away and come in through an SSH tunnel.",
            )
        if share:
            raise BadInput("A public address needs a login.", "Add --auth to --share.")
        return None
    if share and workspace.settings.offline:
        raise BadInput("A public address needs the network, and Studio was told to stay offline.", "Leave out one of the two.")
    if share:
        print(
            "Warning: with --share everything that you see goes through a server of Gradio's, and whoever has the address "
            "may try to sign in.",
            flush=True,
        )
    accounts = Accounts(workspace.settings.accounts)
    if not accounts.names():
        password = secrets.token_urlsafe(12)
        accounts.set(FIRST_ACCOUNT, password)
        print(
            f"Sign in as {FIRST_ACCOUNT} with the password {password}, which is shown this once.\n"
            "For others, or another password: python -m studio account NAME",
            flush=True,
        )
    return accounts


def launch(
    workspace: Workspace,
    host: str = "127.0.0.1",
    port: int | None = None,
    browser: bool = False,
    block: bool = True,
    warm_up_after_s: float = WARM_UP_AFTER_S,
    share: bool = False,
    names: Sequence[str] = (),
) -> gr.Blocks:
    """Serve the pages and print where. `share`: through Gradio's public tunnel too; `names`: what others call this server, as a
    proxy in front of it does.

    Raises BadInput for another host than this computer's own, or for `share`, where nobody has to sign in, and for a port in use.
    """
    accounts = doorkeeper(workspace, host, share)
    workspace.serve_pages()
    demo = build(workspace)
    port = server.free_port(host, port)  # last, so that two that start at once do not find the same one free
    # prevent_thread_lock: the app that launch() makes is given its sessions and our routes; the warm-up comes after
    app, url, _ = demo.launch(
        server_name=host,
        server_port=port,
        inbrowser=browser,
        prevent_thread_lock=True,
        quiet=True,
        share=share,
        theme=theme.theme(),
        css_paths=theme.style_sheets(),
        head=theme.HEAD,
        footer_links=["settings"],
        run_history=False,
        max_file_size=f"{workspace.settings.max_upload_mb}mb",
        strict_cors=True,
        ssr_mode=False,
        show_error=False,
        app_kwargs=server.app_kwargs(
            port, host, (*names, *((SHARED_AS,) if share else ())), (workspace.settings.max_upload_mb + 1) * MEGABYTE, accounts
        ),
    )
    server.add_media_route(app, workspace)
    server.add_functions_route(app, demo)
    sessions.keep_little(app, demo)
    # Gradio's own is a millisecond: a thousand looks a second at a queue that is mostly empty take 7 % of a core, and on two
    # cores a training waits twice for each, as its threads wait for one another
    demo._queue.sleep_when_free = LOOK_AT_QUEUE_S
    sys.setswitchinterval(TURN_S)
    print(f"Studio is at {demo.share_url if share else url}", flush=True)
    # app.py switches collecting off while so much is imported; what was imported stays
    gc.freeze()
    gc.enable()
    later = threading.Timer(warm_up_after_s, workspace.warm_up)
    later.daemon = True
    later.start()
    if block:
        demo.block_thread()
        workspace.close()
    return demo
