"""`python -m tests.bench`: what Bourse costs, beside bare diffusers and LitServe in the same run."""
