"""The async front: whatever waits, streams or moves blobs is answered here, before Django's slower path.

It shares authentication, admission, errors and documents with the Django views; only the I/O is its own.
"""
