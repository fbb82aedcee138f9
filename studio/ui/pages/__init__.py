"""The pages, one file each: `TITLE`, `PATH` and `build(workspace)`."""
