"""Which files a published folder may hold. The names end up on other machines' disks, so they are checked against an
allow list.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from marketplace.core.problems import FieldError

MAX_FILES = 200
MAX_PATH_PARTS = 4
MAX_PATH_LENGTH = 255
MAX_TEXT_BYTES = 10 * 1024 * 1024
SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}", re.ASCII)

IGNORED = {".git", ".cache", ".gitattributes", ".gitignore", ".huggingface", ".DS_Store"}
WEIGHTS = re.compile(r"[A-Za-z0-9_-]+(\.fp16)?(-\d{5}-of-\d{5})?\.safetensors", re.ASCII)
TEXTS = {
    "README.md",
    "LICENSE",
    "LICENSE.md",
    "LICENSE.txt",
    "NOTICE",
    "model_index.json",
    "config.json",
    "scheduler_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
}
PICTURES = re.compile(r"[A-Za-z0-9_-]+\.(png|jpg|jpeg|webp)", re.ASCII)
CODE = re.compile(r"\.(py|pyc|pkl|pickle|pt|pth|bin|ckpt|joblib|npy|npz|so|sh|exe)$", re.IGNORECASE)


def list_folder(folder: Path) -> tuple[Mapping[str, Path], list[FieldError]]:
    """The folder's files by their POSIX path inside it, and the errors of files that must not be published.

    Files of version control and of the Hub's client are left out without an error.
    """
    files: dict[str, Path] = {}
    errors: list[FieldError] = []
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        if is_ignored(path) or (file.is_dir() and not file.is_symlink()):
            continue
        if file.is_symlink() or not file.is_file():
            errors.append(FieldError(path, "is a link or a special file; put the file itself there"))
        else:
            files[path] = file
    errors = sorted([*errors, *check_paths({path: file.stat().st_size for path, file in files.items()})], key=_sort_key)
    wrong = {error.field for error in errors}
    return {path: file for path, file in files.items() if path not in wrong}, errors


def is_ignored(path: str) -> bool:
    """Whether the file belongs to version control or to the Hub's client rather than to the model."""
    return not IGNORED.isdisjoint(path.split("/"))


def check_paths(sizes: Mapping[str, int]) -> list[FieldError]:
    """The errors of files with these paths and sizes in bytes."""
    errors: list[FieldError] = []
    spellings: dict[str, str] = {}
    for path, size in sorted(sizes.items()):
        if reason := refusal(path, size):
            errors.append(FieldError(path, reason))
        elif (other := spellings.setdefault(path.lower(), path)) != path:
            errors.append(FieldError(path, f"differs from {other} by case only; rename one"))
    if (count := len(sizes) - len(errors)) > MAX_FILES:
        errors.append(FieldError(".", f"A version may have at most {MAX_FILES} files; this folder has {count}"))
    return errors


def refusal(path: str, size: int) -> str | None:
    """Why a file of this path and size in bytes must not be published, or None if it may be."""
    name = path.rsplit("/", 1)[-1]
    parts = path.split("/")
    if not all(SEGMENT.fullmatch(part) for part in parts):
        return "has a name that may not be published: use letters, digits, dots, dashes and underscores"
    if len(parts) > MAX_PATH_PARTS or len(path) > MAX_PATH_LENGTH:
        limits = f"{MAX_PATH_PARTS - 1} folders and {MAX_PATH_LENGTH} characters"
        return f"lies too deep or has too long a path: at most {limits}"
    if CODE.search(name):
        return "can run code when it is loaded; publish weights as .safetensors and no code"
    if WEIGHTS.fullmatch(name):
        return None
    if name in TEXTS or PICTURES.fullmatch(name) or name.endswith(".safetensors.index.json"):
        return f"has {size} bytes; such files may have {MAX_TEXT_BYTES}" if size > MAX_TEXT_BYTES else None
    return "is not a kind of file that a pipeline needs; remove it from the folder"


def _sort_key(error: FieldError) -> tuple[bool, str]:
    """Sort key: errors of files by path, then errors of the whole folder."""
    return error.field == ".", error.field
