"""Every error a person can meet, each saying what happened and what to do.

StudioError
├── BadInput              a value that a person or a script gave cannot be used
│   ├── UnreadableItem    one file or row that cannot be read (file, reason)
│   ├── ImportFailed      a whole source that cannot be imported
│   └── NotFound          a project, item, run, class or model that is not there
├── ProjectError          a project's folder cannot be opened, created or written
├── ModelError            a model cannot be loaded, adapted or exported
│   ├── Offline           it needs the network and there is none
│   └── Untrusted         its files could run code, so they are refused
├── CannotRun             a method lacks what it needs (labels, modality, held-out items)
│   └── TooFewLabels
└── RunError              a training run that failed, or an act that its status does not allow
"""

from typing import Self


class StudioError(Exception):
    """Base of the tree. `message` says what happened, `hint` what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        # what a file is called may be no text; a message has to be one, or no page can show it
        message, hint = (text.encode("utf-8", "replace").decode("utf-8") for text in (message, hint))
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Overtaken(StudioError):
    """Somebody else has changed that `item` meanwhile, so it was left as it is."""

    def __init__(self, item: int, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.item = item


class BadInput(StudioError):
    """A value that a person or a script gave cannot be used."""


class UnreadableItem(BadInput):
    """One file or row that cannot be read."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}", "Leave it out, or give one that can be read.")
        self.file = file
        self.reason = reason


class ImportFailed(BadInput):
    """A whole source that cannot be imported; nothing of it was kept."""


class NotFound(BadInput):
    """A project, item, run, class or model that is not there."""


class ProjectError(StudioError):
    """A project's folder cannot be opened, created or written."""


class ModelError(StudioError):
    """A model cannot be loaded, adapted or exported."""


class Offline(ModelError):
    """It needs the network and there is none."""


class Untrusted(ModelError):
    """Its files could run code, so they are refused."""


class CannotRun(StudioError):
    """A method lacks what it needs."""

    @classmethod
    def saying(cls, why: str) -> Self:
        """From a disabled button's text: its first sentence is what is missing, the rest what to do."""
        what, stop, rest = why.partition(". ")
        return cls(what + stop.strip(), rest)


class TooFewLabels(CannotRun):
    """There are not enough labelled items for this method."""


class RunError(StudioError):
    """A training run failed, or its status does not allow what was asked."""
