"""Turns off the libraries' progress bars and messages."""

import diffusers
import transformers


def silence_libraries() -> None:
    """Let diffusers and transformers print errors only."""
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
