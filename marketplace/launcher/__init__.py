"""Starts a market on one machine: its processes under one supervisor, with embedded PostgreSQL and Redis."""
