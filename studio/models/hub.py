"""Files of hub models: the local cache first, then the network, never code. Refuses ids of another form and imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.request import getproxies

from studio.core.errors import ModelError, NotFound, Offline, StudioError
from studio.core.interfaces import Progress
from studio.models.trust import INDEX, check_folder, is_hub_id, shards_of
from studio.settings import reaches_hub

CONFIGURATION = ("*.json", "*.txt", "*.model", "1_Pooling/config.json")
VOCABULARIES = (
    ("tokenizer.json",), ("vocab.txt",), ("vocab.json", "merges.txt"), ("spiece.model",), ("spm.model",), ("tokenizer.model",),
    ("sentencepiece.bpe.model",),
)  # fmt: skip
"""The files of which a tokenizer has at least one set."""


def expanded(reference: str) -> Path:
    """The path with `~` replaced. Raises NotFound where that person has no home folder here."""
    try:
        return Path(reference).expanduser()
    except RuntimeError:
        raise NotFound(f"There is no home folder for {reference}.", "Write the whole path, without ~.") from None


def has_vocabulary(folder: Path) -> bool:
    """Whether a tokenizer's files are there."""
    return any(all((folder / name).is_file() for name in names) for names in VOCABULARIES)


def local_folder(reference: str) -> Path | None:
    """The folder that an id's part names, where there is one; None for a hub id. Raises NotFound for a missing path."""
    path = expanded(reference)
    if path.is_dir():
        return path
    if is_hub_id(reference) and not reference.startswith("."):
        return None
    raise NotFound(f"There is no model folder {reference}.", "Check the path, or name a hub model as ORG/NAME.")


def cached_file(repository: str, name: str) -> Path | None:
    """A file of a hub model that lies in the local cache, else None."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, name)
    return Path(found) if isinstance(found, str) else None


def weight_names(folder: Path) -> list[str]:
    """The weight files that a Hugging Face model's folder has or should have: one, or the shards that its index names.

    Raises ModelError or Untrusted for a broken index.
    """
    whole, index = "model.safetensors", folder / INDEX
    return shards_of(index) if index.is_file() and not (folder / whole).is_file() else [whole]


def cached_model(repository: str) -> Path | None:
    """The folder of a Hugging Face model that the local cache holds with all its weights; None where something is missing."""
    config = cached_file(repository, "config.json")
    if config is None:
        return None
    try:
        return _cached_folder(repository, ("config.json", *weight_names(config.parent)))
    except StudioError:
        return None


def ensure_config(model_id: str, offline: bool) -> None:
    """Have `config.json` of an `hf:ORG/NAME` here. Raises Offline, NotFound or ModelError; does nothing for other ids."""
    kind, _, reference = model_id.partition(":")
    if kind == "hf" and is_hub_id(reference) and local_folder(reference) is None:
        fetch(reference, ("config.json",), CONFIGURATION, offline, reads_text=True)


def fetch(
    repository: str,
    needed: Sequence[str],
    patterns: Sequence[str],
    offline: bool,
    progress: Progress | None = None,
    reads_text: bool = False,
) -> Path:
    """The folder of one commit of a hub model, with every file of `needed`; checked by the gate.

    What an interrupted download left out is fetched too, where there is a network; `reads_text` says that a tokenizer belongs
    to it. Raises Offline without a network, NotFound for an unknown id, ModelError where a needed file does not exist there.
    """
    if not is_hub_id(repository):
        raise ModelError(f"{repository!r} is no hub id.", "Hub ids look like ORG/NAME.")
    folder = _cached_folder(repository, needed)
    if folder is None or not (_is_whole(repository, folder, patterns) and (has_vocabulary(folder) or not reads_text)):
        folder = _downloaded(repository, folder, patterns, offline, progress)
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        raise ModelError(f"{repository} has no {missing[0]}.", "Choose a model that comes as safetensors with its configuration.")
    check_folder(folder)
    return folder


def _cached_folder(repository: str, needed: Sequence[str]) -> Path | None:
    """The cached commit's folder, where it has every file of `needed`."""
    cached = [cached_file(repository, name) for name in needed]
    if not all(cached) or cached[0] is None:
        return None
    return cached[0].parents[len(Path(needed[0]).parts) - 1]


def _is_whole(repository: str, folder: Path, patterns: Sequence[str]) -> bool:
    """Whether the commit's files are all here, by the list that the hub's client keeps of them; True where it kept none."""
    from huggingface_hub import errors, snapshot_download

    try:
        snapshot_download(repository, revision=folder.name, allow_patterns=list(patterns), local_files_only=True)
    except errors.LocalEntryNotFoundError:
        return False
    return True


def _downloaded(repository: str, cached: Path | None, patterns: Sequence[str], offline: bool, progress: Progress | None) -> Path:
    """The folder with what was missing, or as it is `cached` where the hub cannot give the rest. Raises like `fetch`."""
    from huggingface_hub import snapshot_download

    if offline or not (reaches_hub() or getproxies()):
        if cached is None:
            raise Offline(f"{repository} is not on this machine and the model hub cannot be reached.", _elsewhere())
        return cached
    # what is here is made whole at its own commit: files of two commits may not fit each other
    commit = cached.name if cached else None
    try:
        return Path(snapshot_download(repository, revision=commit, allow_patterns=list(patterns), tqdm_class=_bar(progress)))
    except Exception as error:
        if cached is None:
            raise _explained(repository, error) from error
        return cached


def _explained(repository: str, error: Exception) -> ModelError | NotFound:
    """The hub client's error in words for people."""
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return ModelError(
            f"{repository} asks for its terms to be accepted.", "Accept them on its page and log in with `hf auth login`."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return NotFound(f"The hub has no model {repository}.", "Check the spelling; private models need `hf auth login`.")
    return Offline(f"{repository} could not be downloaded: {type(error).__name__}.", _elsewhere())


def _elsewhere() -> str:
    """What to do without the hub."""
    from studio.models import FOLDER, ids_of

    written = ", ".join(dict.fromkeys(form for form, _ in ids_of(FOLDER, FOLDER)))
    return f"Download it once where there is a network, or use a local folder ({written})."


def _bar(progress: Progress | None) -> Any:
    """A tqdm class that reports bytes to `progress` and prints nothing."""
    # not the hub client's own class: that one goes blind where another library switched its progress bars off
    from tqdm.std import tqdm

    class Reporting(tqdm):  # type: ignore[misc, type-arg, unused-ignore]
        def __init__(self, *args: Any, name: str = "", **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": False, "file": _Silent()})

        def update(self, n: float | None = 1) -> bool | None:
            shown: bool | None = super().update(n)
            if progress and self.unit == "B":
                progress(int(self.n), int(self.total or 0), "Downloading")
            return shown

    return Reporting


class _Silent:
    """A file that keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        return None
