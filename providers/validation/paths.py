"""Which files a published folder may hold. The names end up on buyers' disks, so they are on an allow list."""

import re
from collections.abc import Mapping
from pathlib import Path

from marketplace.core.problems import FieldError

MOST_FILES = 200
MOST_PARTS = 4
LONGEST_PATH = 255
LARGEST_TEXT = 10 * 1024 * 1024
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
    """The folder's files by their POSIX path inside it, and what may not be published.

    Version control's and the Hub client's own files are left out silently.
    """
    files: dict[str, Path] = {}
    spellings: dict[str, str] = {}
    errors: list[FieldError] = []
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder)
        if IGNORED & set(inside.parts) or (file.is_dir() and not file.is_symlink()):
            continue
        path = inside.as_posix()
        if reason := refusal(path, file):
            errors.append(FieldError(path, reason))
        elif (other := spellings.setdefault(path.lower(), path)) != path:
            errors.append(FieldError(path, f"differs from {other} by case only; rename one"))
        else:
            files[path] = file
    if len(files) > MOST_FILES:
        errors.append(FieldError(".", f"A version may have at most {MOST_FILES} files; this folder has {len(files)}"))
    return files, errors


def refusal(path: str, file: Path) -> str | None:
    """Why this file may not be published, or None if it may."""
    name = path.rsplit("/", 1)[-1]
    if file.is_symlink() or not file.is_file():
        return "is a link or a special file; put the file itself there"
    parts = path.split("/")
    if not all(SEGMENT.fullmatch(part) for part in parts):
        return "has a name that may not be published: use letters, digits, dots, dashes and underscores"
    if len(parts) > MOST_PARTS or len(path) > LONGEST_PATH:
        return f"lies too deep or has too long a path: at most {MOST_PARTS - 1} folders and {LONGEST_PATH} characters"
    if CODE.search(name):
        return "can run code when it is loaded; publish weights as .safetensors and no code"
    if WEIGHTS.fullmatch(name):
        return None
    if name in TEXTS or PICTURES.fullmatch(name) or name.endswith(".safetensors.index.json"):
        size = file.stat().st_size
        return f"has {size} bytes; such files may have {LARGEST_TEXT}" if size > LARGEST_TEXT else None
    return "is not a kind of file that a pipeline needs; remove it from the folder"
