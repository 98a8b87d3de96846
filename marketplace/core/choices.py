"""Enumerations as the choices of model fields."""

from enum import StrEnum


def choices_of(kind: type[StrEnum]) -> list[tuple[str, str]]:
    """The members of an enumeration as Django's choices: each value is its own label."""
    return [(member.value, member.value) for member in kind]
