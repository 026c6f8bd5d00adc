"""What can be wrong with a plugin."""


class PluginError(ValueError):
    """A plugin that cannot be used; the text names it and says what to do."""
