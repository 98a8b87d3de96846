"""The async front answers the requests that wait, stream or transfer blobs, without Django's slower path.

It shares authentication, admission, errors and documents with the Django views; only the I/O differs.
"""
