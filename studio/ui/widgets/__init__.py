"""Widgets: Gradio components of our own, each a class over `gr.HTML` with its script in `assets/js`."""
