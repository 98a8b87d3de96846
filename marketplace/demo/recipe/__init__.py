"""Trains the demo market's models: from drawn icons to folders that can be published.

The running market does not import this package; `manage.py demo train` and `manage.py demo measure` use it.
"""
