"""Nothing in Studio's own code can run what a file holds: no pickle, no code of a model's, no evaluated text, no shell."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = frozenset({"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml", "jsonpickle"})
NAMES = frozenset(
    {
        "torch.load",
        "torch.jit.load",
        "torch.hub",
        "torch.export.load",
        "torch.package",
        "os.system",
        "os.popen",
        "commands.getoutput",
    }
    | {"subprocess.getoutput", "subprocess.getstatusoutput", "pandas.read_pickle", "runpy.run_path"}
)
BUILT_IN = frozenset({"eval", "exec", "compile", "__import__"})
BY_NAME = {"importlib.import_module": frozenset({"studio/core/registry.py"})}
"""What imports by a name that is computed, and where it may: the registry goes through the modules of Studio's own packages."""
FLAGS = frozenset({"trust_remote_code", "allow_pickle", "shell"})
"""Keywords that may be False alone, and that written out."""


def sources() -> list[Path]:
    return [ROOT / "app.py", *sorted((ROOT / "studio").rglob("*.py")), *sorted((ROOT / "assets/make").rglob("*.py"))]


def forbidden(source: str, where: str = "") -> list[tuple[int, str]]:
    """(line, what) of everything in a module that can run what a file holds."""
    tree = ast.parse(source)
    known = _imported(tree)
    return [
        (node.lineno, what)  # type: ignore[attr-defined]
        for node in ast.walk(tree)
        for what in _found(node, known)
        if where not in BY_NAME.get(what, ())
    ]


def _imported(tree: ast.AST) -> dict[str, str]:
    """{name in the module: where it comes from}."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {alias.asname or alias.name.partition(".")[0]: alias.name if alias.asname else alias.name.partition(".")[0]
                      for alias in node.names}  # fmt: skip
        elif isinstance(node, ast.ImportFrom):
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return known


def _found(node: ast.AST, known: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names]
        modules = names if isinstance(node, ast.Import) else [str(node.module)]
        yield from (module for module in modules if module.partition(".")[0] in MODULES)
        yield from (name for name in names if "AutoPeft" in name)
        if isinstance(node, ast.ImportFrom):
            yield from (whole for whole in (f"{node.module}.{name}" for name in names) if whole in NAMES | BY_NAME.keys())
    elif isinstance(node, ast.Attribute):
        whole = _dotted(node, known)
        if whole in NAMES | BY_NAME.keys() or "AutoPeft" in node.attr:
            yield whole
        if node.attr in FLAGS and isinstance(node.ctx, ast.Store):
            yield f".{node.attr}"
    elif isinstance(node, ast.Subscript):
        if isinstance(node.ctx, ast.Store) and isinstance(node.slice, ast.Constant) and node.slice.value in FLAGS:
            yield f"[{node.slice.value!r}]"
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in BUILT_IN:
            yield node.func.id
        yield from _taken_by_name(node, known)
        for keyword in node.keywords:
            if keyword.arg in FLAGS and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False):
                yield f"{keyword.arg}="
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            named = key.value if isinstance(key, ast.Constant) else None
            if named in FLAGS and not (isinstance(value, ast.Constant) and value.value is False):
                yield f"{named!r}:"


def _taken_by_name(call: ast.Call, known: dict[str, str]) -> Iterator[str]:
    """What `getattr` and `setattr` reach; a module's parts have to be written out."""
    if not (isinstance(call.func, ast.Name) and call.func.id in {"getattr", "setattr"} and len(call.args) > 1):
        return
    owner, name = _dotted(call.args[0], known), call.args[1]
    if not isinstance(name, ast.Constant):
        if owner.partition(".")[0] in {"torch", "os", "subprocess", "importlib", "builtins"}:
            yield f"getattr({owner}, …)"
    elif f"{owner}.{name.value}" in NAMES | BY_NAME.keys() or name.value in FLAGS | BUILT_IN or "AutoPeft" in str(name.value):
        yield f"{owner}.{name.value}"


def _dotted(node: ast.AST, known: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, known)}.{node.attr}"
    return known.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def test_nothing_of_the_code_can_run_what_a_file_holds() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in sources()
        for line, what in forbidden(path.read_text("utf-8"), str(path.relative_to(ROOT)))
    ]
    assert len(sources()) > 100 and not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "import marshal as m",
        "import shelve, json",
        "import dill",
        "from joblib import load",
        "import yaml",
        "import torch\ntorch.load(path)",
        "import torch as t\nt.load(path)",
        "from torch import load",
        "from torch import load as read",
        "import torch\nread = torch.load",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=chosen)",
        "AutoModel.from_pretrained(path, trust_remote_code=True)",
        "options = {'trust_remote_code': chosen}",
        "from peft import AutoPeftModel",
        "import peft\npeft.AutoPeftModelForCausalLM.from_pretrained(path)",
        "eval(text)",
        "exec(text)",
        "__import__(name)",
        "import subprocess\nsubprocess.run(line, shell=True)",
        "import os\nos.system(line)",
        "from os import system",
        "import torch\ngetattr(torch, 'load')(path)",
        "import torch as t\ngetattr(t, name)(path)",
        "import builtins\ngetattr(builtins, 'eval')(text)",
        "import importlib\nimportlib.import_module(name)",
        "from importlib import import_module",
        "options['trust_remote_code'] = chosen",
        "config.trust_remote_code = True",
        "setattr(config, 'trust_remote_code', True)",
    ],
)
def test_the_check_sees(line: str) -> None:
    assert forbidden(line)


@pytest.mark.parametrize(
    "line",
    [
        "model.eval()",
        "import torch\ntorch.save(x, path)",
        "AutoModel.from_pretrained(path, trust_remote_code=False)",
        "import json\njson.load(file)",
        "import re\nre.compile(x)",
        "import subprocess\nsubprocess.run(['ls'])",
        "import torch\ngetattr(torch.cpu, 'fast', None)",
        "getattr(run, name)",
        "options['weights'] = chosen",
    ],
)
def test_the_check_lets_pass(line: str) -> None:
    assert not forbidden(line)
