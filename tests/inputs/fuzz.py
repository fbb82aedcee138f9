"""Fuzzing for a while: `python -m tests.inputs.fuzz --seconds 60 --sequences 2000 --write` runs every target in a process of its
own, and the state machine, says what they did, and writes it to README.md beside this file. It ends with 1 where there is a
fault: an error that is not Studio's own, a crash, more than 2 seconds for an input, or 512 MB.

Inputs come from atheris where that is installed, which sees which branches an input takes, else from hypothesis.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.inputs.memory import forget_peak, now_mb, peak_mb
from tests.inputs.mutate import spoilt

LONGEST_S, MOST_MB, FOR_EVER_S = 2.0, 512, 30
MACHINE = "labels against a dict"
ATHERIS = importlib.util.find_spec("atheris") is not None
README = Path(__file__).with_name("README.md")
LIBRARIES = ("pillow", "pyarrow", "safetensors", "torch", "hypothesis")


@dataclass
class Done:
    """What one target did."""

    name: str
    by: str
    seconds: float = 0.0
    runs: int = 0
    taken: int = 0
    slowest_s: float = 0.0
    mb: float = 0.0
    faults: list[str] = field(default_factory=list)


def fuzz(name: str, seconds: float, report: Path) -> None:
    """One target in this process. What it did is in `report` twice a second, so that a crash leaves it too."""
    with _watched():
        from tests.inputs.targets import targets

    target = next(one for one in targets() if one.name == name)
    folder = Path(tempfile.mkdtemp(prefix="studio-fuzz-"))
    warnings.simplefilter("ignore")
    for whole in target.seeds:
        target.run(whole, folder)
    done = Done(name, "atheris" if ATHERIS else "hypothesis")
    base = now_mb()
    forget_peak()
    begun = said = time.monotonic()

    def say() -> None:
        nonlocal said
        said = time.monotonic()
        done.seconds, done.mb = said - begun, peak_mb() - base
        report.write_text(json.dumps(asdict(done)), "utf-8")

    def one(data: bytes) -> None:
        if len(done.faults) >= 5:
            return
        faulthandler.dump_traceback_later(FOR_EVER_S, exit=True)
        start = time.monotonic()
        try:
            done.taken += target.run(data, folder)
        except Exception:
            place = folder / f"fault-{len(done.faults)}"
            place.write_bytes(data)
            done.faults.append(f"{place}\n{traceback.format_exc()[-1500:]}")
        took = time.monotonic() - start
        faulthandler.cancel_dump_traceback_later()
        done.runs += 1
        done.slowest_s = max(done.slowest_s, took)
        if took > LONGEST_S:
            (folder / f"slow-{done.runs}").write_bytes(data)
            done.faults.append(f"{folder}/slow-{done.runs}: {took:.1f} s")
        if start + took - said > 0.5:
            say()

    if ATHERIS:
        _by_atheris(one, target.seeds, seconds)
    number = 0
    while time.monotonic() - begun < seconds:
        number += 1
        _by_hypothesis(one, target.seeds, number)
    say()


def _watched() -> AbstractContextManager[object]:
    """What is imported in it tells atheris which branches are taken."""
    if not ATHERIS:
        return nullcontext()
    import atheris

    return atheris.instrument_imports(include=["studio", "zipfile", "PIL", "csv", "json"])


def _by_hypothesis(one: Callable[[bytes], None], seeds: Any, number: int) -> None:
    every = settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    seed(number)(every(given(spoilt(seeds))(one)))()


def _by_atheris(one: Callable[[bytes], None], seeds: Any, seconds: float) -> None:
    """Does not come back: libFuzzer ends the process."""
    import atheris

    corpus = tempfile.mkdtemp(prefix="studio-corpus-")
    for number, whole in enumerate(seeds):
        (Path(corpus) / str(number)).write_bytes(whole)
    limits = [f"-max_total_time={seconds:g}", f"-rss_limit_mb={8 * MOST_MB}", f"-timeout={FOR_EVER_S}", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *limits, corpus], one)
    atheris.Fuzz()


def apart(name: str, seconds: float) -> Done:
    """The target in a process of its own, so that a crash of a library is seen too."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "done.json"
        command = [
            sys.executable,
            "-m",
            "tests.inputs.fuzz",
            "--target",
            name,
            "--seconds",
            str(seconds),
            "--report",
            str(report),
        ]
        out = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 120)
        done = Done(**json.loads(report.read_text("utf-8"))) if report.exists() else Done(name, "?", faults=["it said nothing"])
    if out.returncode:
        done.faults.append(f"ended with {out.returncode}: {out.stderr[-1500:]}")
    if done.mb > MOST_MB:
        done.faults.append(f"{done.mb:.0f} MB")
    return done


def machine(sequences: int) -> Done:
    """The state machine."""
    from tests.inputs.machine import Labelling

    done = Done(MACHINE, "hypothesis")
    run_state_machine_as_test(Labelling, settings=settings(max_examples=10, deadline=None, database=None))  # loads libraries
    base, begun = now_mb(), time.monotonic()
    forget_peak()
    many = settings(max_examples=sequences, stateful_step_count=20, deadline=None, database=None,
                    suppress_health_check=list(HealthCheck))  # fmt: skip

    class Counted(Labelling):
        def __init__(self) -> None:
            super().__init__()
            done.runs += 1

    try:
        run_state_machine_as_test(Counted, settings=many)
    except Exception:
        done.faults.append(traceback.format_exc()[-3000:])
    done.seconds, done.mb, done.taken = time.monotonic() - begun, peak_mb() - base, done.runs
    return done


def table(found: list[Done]) -> str:
    """README.md with these rows, and those that it has of what was not run now."""
    was = README.read_text("utf-8").splitlines() if README.exists() else []
    rows = {line.split("|")[1].strip(): line for line in was if line.startswith("| ") and not line.startswith("| Target")}
    for d in found:
        figures = f"{d.seconds:.0f} | {d.runs:,} | {d.taken:,} | {d.slowest_s:.2f} | {d.mb:.0f} | {len(d.faults)}"
        rows[d.name] = f"| {d.name} | {d.by} | {figures} |"
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"""# Bad inputs

The corpus (`corpus.py`, `models.py`) is run by the suite. Below is the newest run of each target by

```
python -m tests.inputs.fuzz --seconds 60 --sequences 2000 --write
```

once each, on {os.cpu_count()} cores beside other work; Python {platform.python_version()}, {libraries}.
The script writes this file.

| Target | Inputs by | Seconds | Inputs | Of them taken | Slowest, s | Memory above the start, MB | Faults |
|---|---|---|---|---|---|---|---|
{chr(10).join(rows.values())}

A fault is an error that is not Studio's own, a crash, an input that takes over {LONGEST_S:g} s, or over {MOST_MB} MB. For the
last row an input is a sequence of up to 20 acts: label, none of these, skip, undo, redo, import, export with its import, and
opening the project again.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzzing of imports, adapters and safetensors headers, and of labelling.")
    parser.add_argument("--seconds", type=float, default=60, help="for each target; 0: none")
    parser.add_argument("--sequences", type=int, default=2000, help="of acts, against a dict; 0: none")
    parser.add_argument("--target", help="one target alone, in this process")
    parser.add_argument("--report", type=Path, default=Path("done.json"), help="where that target says what it did")
    parser.add_argument("--write", action="store_true", help="write README.md")
    asked = parser.parse_args()
    if asked.target:
        fuzz(asked.target, asked.seconds, asked.report)
        return 0
    from tests.inputs.targets import targets

    names = [target.name for target in targets()] if asked.seconds else []
    found: list[Done] = []
    for name in [*names, *([MACHINE] if asked.sequences else [])]:
        done = machine(asked.sequences) if name == MACHINE else apart(name, asked.seconds)
        print(f"{name}: {done.runs:,} inputs by {done.by} in {done.seconds:.0f} s, {done.taken:,} taken, slowest "
              f"{done.slowest_s:.2f} s, {done.mb:.0f} MB, {len(done.faults)} faults", flush=True)  # fmt: skip
        print(*done.faults, sep="\n", end="\n" if done.faults else "", flush=True)
        found.append(done)
    if asked.write:
        README.write_text(table(found), "utf-8")
    return int(any(done.faults for done in found))


if __name__ == "__main__":
    sys.exit(main())
