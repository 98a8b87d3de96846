"""The documentation, rendered from the files of `marketplace/docs`."""

import re
from pathlib import Path
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.web.shared.markdown import render_documentation

DOCS = Path(__file__).resolve().parents[2] / "docs"
DOC_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,80}(/[a-z0-9][a-z0-9-]{0,80})?")


def docs(request: HttpRequest, page: str = "index") -> HttpResponse:
    """A page of the documentation."""
    file = _doc_file(page) if DOC_NAME.fullmatch(page) else None
    if file is None:
        raise Http404
    text = file.read_text(encoding="utf-8")
    context = {"title": doc_title(text), "html": render_documentation(text), "page": page, "groups": _doc_groups()}
    return render(request, "public/docs.html", context)


def _doc_file(page: str) -> Path | None:
    """The file of a page; for a folder, its README."""
    candidates = (DOCS / f"{page}.md", DOCS / page / "README.md")
    return next((file for file in candidates if file.is_file()), None)


def _doc_name(file: Path) -> str:
    """The name of a page in addresses: the reverse of `_doc_file`."""
    path = file.relative_to(DOCS)
    return str(path.parent if path.name == "README.md" else path.with_suffix(""))


def _first_of_its_folder(file: Path) -> bool:
    return file.stem in ("index", "README")


def doc_title(text: str) -> str:
    """The title of a page of the documentation: its first line."""
    return text.split("\n", 1)[0].lstrip("# ").strip()


def _doc_groups() -> list[dict[str, Any]]:
    """The pages of the documentation: those at the top, its index first, then each folder's."""
    folders = [DOCS, *sorted(folder for folder in DOCS.iterdir() if folder.is_dir())]
    return [
        {
            "title": "" if folder == DOCS else folder.name.capitalize(),
            "pages": [
                {"name": _doc_name(file), "title": doc_title(file.read_text(encoding="utf-8"))}
                for file in sorted(folder.glob("*.md"), key=lambda file: (not _first_of_its_folder(file), file.stem))
            ],
        }
        for folder in folders
        if any(folder.glob("*.md"))
    ]
