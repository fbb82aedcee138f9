"""How much memory an act takes at its largest. As a program it imports what it is told, a line each, and says so: no test's own
memory stands beside it.

`python -m tests.inputs.memory` reads `{"source", "task", "home"}` and answers `{"mb", "seconds"}`, both of that import alone.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def now_mb() -> float:
    """Memory of this process."""
    return _said("VmRSS")


def peak_mb() -> float:
    """The most it had since `forget_peak`."""
    return _said("VmHWM")


def forget_peak() -> None:
    try:
        RESET.write_text("5")
    except OSError:  # then the largest of all so far is what is said: too much rather than too little
        pass


def _said(name: str) -> float:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


def main() -> None:
    from studio.core.errors import StudioError
    from studio.core.types import ImportOptions
    from studio.settings import Settings
    from studio.workspace import Workspace
    from tests.inputs.tables import parquet

    begun: float | None = None
    for line in sys.stdin:
        asked = json.loads(line)
        workspace = Workspace(Settings(home=Path(asked["home"]), device="cpu", offline=True))
        project = workspace.create_project("Measured", asked["task"])
        if begun is None:  # with every library that imports ask for
            parquet({"text": ["a"]})(Path(asked["home"]))
            workspace.create_project("First", "text-classification").labelling.import_data(
                str(Path(asked["home"]) / "data.parquet"), ImportOptions()
            )
            begun = now_mb()
        forget_peak()
        start = time.monotonic()
        try:
            project.labelling.import_data(asked["source"], ImportOptions(test_share=0))
        except StudioError:
            pass
        seconds = time.monotonic() - start
        print(json.dumps({"mb": round(peak_mb() - begun, 1), "seconds": round(seconds, 2)}), flush=True)
        workspace.close()


if __name__ == "__main__":
    main()
