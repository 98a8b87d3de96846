"""The Hugging Face Hub's protocol over our repositories, as far as stock clients need it to upload and download.

Pure protocol (`commits`, `git`, `lfs`, `documents`) and its services (`reading`, `committing`, `uploads`). The HTTP
side is `marketplace.api.front.hub`.
"""
