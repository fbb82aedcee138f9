"""The façade: every use case that a page, a command or a script has. Imports neither torch nor gradio."""

from studio.workspace.workspace import Workspace

__all__ = ["Workspace"]
