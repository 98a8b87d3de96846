"""Test doubles of external servers, used over loopback by the same clients as the real ones."""
