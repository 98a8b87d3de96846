"""The part of the Hugging Face Hub's protocol that stock clients need to upload to and download from our repositories.

`commits`, `git`, `lfs` and `documents` are the pure protocol; `reading`, `committing` and `uploads` its services. The
HTTP handlers are in `marketplace.api.front.hub`.
"""
