"""Runs models: plain Python over torch and diffusers. It knows no web framework, no queue and no database.

- `device`: which accelerator this process drives
- `cache`: weights on this machine's disk, by digest
- `adapters`: one module per task; each turns inputs into outputs with a loaded model
- `residency`: which models are loaded on the device
- `engine`: runs a batch and reports how each job ended

The package itself imports nothing heavy, so that `cache` can be used without torch.
"""

import os

# The libraries read these when they are imported, so they are set here first. Weights come from the cache alone: a
# missing file must be an error on this machine, never a request to an external hub.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
# The libraries' warnings quote prompts, which are private to the buyer and must not be in a node's log.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
