"""The first page: the projects there are, samples to try, a new project, or one from a folder."""

from __future__ import annotations

import gradio as gr

from studio.core.errors import BadInput
from studio.ui import shell
from studio.ui.widgets.projects import Projects, href_of, project_list
from studio.ui.widgets.samples import Samples, sample_cards
from studio.workspace import Workspace

TITLE = "Projects"
PATH = ""

# a moment later: leaving inside the event would abort it, which the console reports as an error
GO = "(href) => { setTimeout(() => { window.location.href = href; }, 60); return href; }"


class Doors:
    """The two forms of this page; each gives the address of the page to go on with."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def create(self, name: str, task: str, folder: str) -> str:
        if not name.strip():
            raise BadInput("The project has no name yet.", "Give it one.")
        return href_of(self.workspace.create_project(name.strip(), task, folder.strip() or None))

    def open_folder(self, folder: str) -> str:
        path = folder.strip()
        if not path:
            raise BadInput("There is no path yet.", "Give the folder of a project, or the file of a backup.")
        if path.lower().endswith(".zip"):
            return href_of(self.workspace.restore(path))
        return href_of(self.workspace.open_project(path))


def build(workspace: Workspace) -> None:
    header = shell.header(workspace, PATH)
    shell.title("Projects", "Label, fine-tune and compare foundation models.")
    href = gr.Textbox(visible=False)
    with gr.Row(elem_classes="start-row"):
        with gr.Column(scale=3, min_width=320):
            projects = project_list(Projects(workspace))
            sample_cards(Samples(workspace))
        with gr.Column(scale=2, min_width=320):
            _new(workspace, href)
    projects.changed(lambda: shell.header_html(workspace, PATH), None, header, queue=False, api_visibility="private")


def _new(workspace: Workspace, href: gr.Textbox) -> None:
    doors = Doors(workspace)
    with gr.Group(elem_id="new-project"):
        name = gr.Textbox(label="New project", placeholder="Its name", max_lines=1, max_length=200, elem_id="new-name")
        choices = [(title, task) for task, title in workspace.tasks()]
        task = gr.Radio(choices, value=choices[0][1], label="What is to be learnt", elem_id="new-task")
        folder = gr.Textbox(
            label="Folder (optional)",
            info=f"Left empty, it lies under {workspace.settings.projects}.",
            max_lines=1,
            elem_id="new-folder",
        )
    create = gr.Button("Create", variant="primary", elem_id="new-create")
    with gr.Accordion("Open a project's folder, or restore a backup", open=False):
        info = f"A folder is opened where it lies; of a backup (.studio.zip) one is made under {workspace.settings.projects}."
        path = gr.Textbox(label="Its path on this computer", info=info, max_lines=1, elem_id="open-path")
        look = gr.Button("Open", elem_id="open-folder")
    for event in (create.click, name.submit):
        _go(event(shell.friendly(doors.create), [name, task, folder], href, api_visibility="private"), href)
    for event in (look.click, path.submit):
        _go(event(shell.friendly(doors.open_folder), [path], href, api_visibility="private"), href)


def _go(event: gr.events.Dependency, href: gr.Textbox) -> None:
    event.success(None, href, None, js=GO)
