"""Keeps the libraries' own progress bars and remarks out of the recipe's report."""

import diffusers
import transformers


def quieten() -> None:
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
