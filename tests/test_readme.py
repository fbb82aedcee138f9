"""README.md against the disk, the commands and the checks: what it says exists, and what exists it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from studio.cli_arguments import parser

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
FOLDERS = ("assets/", "tests/")
"""What the tree has at folder level."""


def tree() -> dict[str, str]:
    """`{path: phrase}` of the README's tree; a package's folder stands for its `__init__.py`."""
    found = re.search(r"^## The tree\n+```\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert found, "README.md has no tree"
    entries: dict[str, str] = {}
    folders: list[str] = []
    for line in found.group(1).splitlines():
        name, _, phrase = line.strip().partition(" ")
        depth = (len(line) - len(line.lstrip())) // 2
        path = "".join(folders[:depth]) + name
        assert path not in entries, f"{path} stands in the tree twice"
        entries[path] = phrase.strip()
        if name.endswith("/"):
            folders[depth:] = [name]
    return entries


def on_disk() -> dict[str, str]:
    """`{path: first line of its docstring}` of everything that the tree has to name."""
    files = [ROOT / "app.py", *(ROOT / "studio").rglob("*.py")]
    named = {str(file.relative_to(ROOT).as_posix()).removesuffix("__init__.py"): file for file in files}
    said = {path: file.read_text("utf-8").partition("\n")[0].strip('"') for path, file in named.items()}
    return {**said, **{folder: "" for folder in FOLDERS if (ROOT / folder).is_dir()}}


def test_the_tree_names_every_file() -> None:
    disk, said = on_disk(), tree()
    missing = [f"  {path:<40} {first}" for path, first in sorted(disk.items()) if path not in said]
    assert not missing, "Add to the tree in README.md, each with a short phrase:\n" + "\n".join(missing)


def test_every_file_of_the_tree_exists() -> None:
    extra = [f"  {path}" for path in tree() if path not in on_disk()]
    assert not extra, "Take out of the tree in README.md (gone, or in another folder):\n" + "\n".join(extra)


def test_every_file_of_the_tree_has_a_phrase() -> None:
    bare = [f"  {path}" for path, phrase in tree().items() if not phrase]
    assert not bare, "Give a phrase in README.md to:\n" + "\n".join(bare)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_linked_file_exists(document: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / document).read_text("utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_command_of_the_table_is_one() -> None:
    rows = re.findall(r"^\| (`[a-z]+.*?) \|", README, re.MULTILINE)
    said = {name for row in rows for name in re.findall(r"`([a-z-]+)(?: |`)", row)}
    listed = re.search(r"\{(.*?)\}", parser().format_help())
    assert listed and said == set(listed.group(1).split(","))


@pytest.mark.parametrize("line", re.findall(r"^\$ python -m studio (.*)$", README, re.MULTILINE))
def test_every_example_is_understood(line: str) -> None:
    assert parser().parse_args(shlex.split(line)).command in line


def test_the_checks_run_the_tests_as_the_readme_says() -> None:
    script = (ROOT / ".ci/run").read_text("utf-8")
    found = re.search(r"^tests=\$\((awk '.*' README\.md)\)$", script, re.MULTILINE)
    assert found and 'eval "$tests"' in script and os.access(ROOT / ".ci/run", os.X_OK)
    said = subprocess.run(["bash", "-c", found.group(1)], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.strip().endswith("-m pytest -n 2 --dist worksteal") and f"```\n{said}```" in README
