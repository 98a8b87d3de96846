"""`python -m tests.bench`: Bourse's speed, compared with bare diffusers and LitServe in the same run."""
