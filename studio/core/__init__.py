"""The words every layer shares: types, protocols, configuration, registries and errors. Standard library alone."""
