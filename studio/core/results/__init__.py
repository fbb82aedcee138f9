"""What use cases return to pages, commands and scripts: frozen and JSON-able, one file a subject."""
