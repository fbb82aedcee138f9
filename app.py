"""Studio's door: flags → settings → workspace → pages."""

import argparse
import gc
import os
import sys
from dataclasses import replace
from pathlib import Path

from studio.core.errors import StudioError
from studio.core.threads import one_heap
from studio.settings import NO_TELEMETRY, Settings


def main() -> int:
    one_heap()
    gc.disable()  # until the page is up: collecting between imports costs a fifth of the start
    parser = argparse.ArgumentParser(prog="python app.py", description="Label, fine-tune and compare foundation models.")
    parser.add_argument("--host", default="127.0.0.1", help="address to serve at; another than this computer's own needs --auth")
    parser.add_argument("--port", type=int, help="port to serve at (default: the first free one from 7860)")
    parser.add_argument("--home", type=Path, help="where projects live (default: STUDIO_HOME, or ~/.studio)")
    parser.add_argument("--device", help="auto, cpu, cuda, cuda:1 or mps")
    parser.add_argument("--offline", action="store_true", help="never ask the network")
    parser.add_argument("--open", "--browser", action=argparse.BooleanOptionalAction, help="open the page in the browser")
    parser.add_argument("--auth", action="store_true", help="let only people with an account in")
    parser.add_argument("--share", action="store_true", help="a public address through a server of Gradio's; needs --auth")
    name = "what a proxy in front of Studio calls it, as studio.example.org"
    parser.add_argument("--name", action="append", default=[], dest="names", metavar="HOST", help=name)
    flags = parser.parse_args()
    given = {
        "home": flags.home and flags.home.expanduser().resolve(),
        "device": flags.device,
        "offline": flags.offline,
        "login": flags.auth,
    }
    settings = replace(Settings.from_environment(), **{name: value for name, value in given.items() if value})
    # read when Gradio and the hub's client are imported
    os.environ.update(NO_TELEMETRY, GRADIO_TEMP_DIR=str(settings.uploads))
    from studio import ui
    from studio.workspace import Workspace

    try:
        workspace = Workspace(settings)
        ui.launch(workspace, flags.host, flags.port, bool(flags.open), share=flags.share, names=flags.names)
    except StudioError as error:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
