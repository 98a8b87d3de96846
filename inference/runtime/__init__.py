"""Runs models: plain Python over torch and diffusers. It knows no web framework, no queue and no database.

- `device`: which accelerator this process drives
- `cache`: weights on this machine's disk, by digest
- `adapters`: one module per task; each turns inputs into outputs with a loaded model
- `residency`: which models lie on the device
- `engine`: runs a batch and says of each job how it ended

The package itself imports nothing heavy, so that `cache` can be used where torch is not wanted.
"""

import os

# Read by the libraries when they are imported, hence here, before any of them. Weights come from the cache alone: a
# missing file must be an error on this machine, never a request to somebody else's hub.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
# Their warnings quote prompts, which are the buyer's own business and don't belong in a node's log.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
