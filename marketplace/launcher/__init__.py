"""Starting a market on one machine: its processes under one supervisor, with PostgreSQL and Redis of its own."""
