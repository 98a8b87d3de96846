"""How the demo market's models are made: from drawn icons to folders that can be published.

Nothing here is imported when the market runs; `manage.py demo train` and `manage.py demo measure` use it.
"""
