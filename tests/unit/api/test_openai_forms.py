"""Forms of OpenAI's dialect: texts are converted to the types of the model's schema."""

from typing import Any

import pytest

from marketplace.api.openai import check_edit, form_body, typed
from marketplace.core.problems import Invalid

SCHEMA = {
    "properties": {
        "prompt": {"type": "string"},
        "seed": {"type": ["integer", "null"]},
        "strength": {"type": "number"},
        "tile": {"type": "boolean"},
    }
}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("prompt", "7", "7"),
        ("prompt", "true", "true"),
        ("seed", "7", 7),
        ("seed", "-7", -7),
        ("seed", "7.5", 7.5),
        ("seed", "1e9", "1e9"),
        ("seed", "9" * 5_000, "9" * 5_000),
        ("strength", "0.5", 0.5),
        ("strength", "1", 1),
        ("strength", "NaN", "NaN"),
        ("tile", "True", True),
        ("tile", "1", "1"),
        ("unknown", "7", "7"),
    ],
)
def test_texts_become_what_the_schema_asks_for(name: str, text: str, value: Any):
    found = typed({name: text}, SCHEMA)[name]
    assert (found, type(found)) == (value, type(value))


def test_openais_own_fields():
    assert form_body({"n": "2", "prompt": "3", "stream": "false"}) == {"n": 2, "prompt": "3"}
    assert form_body({"n": "many", "stream": "true"}) == {"n": "many", "stream": "true"}


@pytest.mark.parametrize(("pictures", "mask", "field"), [(0, False, "image"), (2, False, "image"), (1, True, "mask")])
def test_an_edit_takes_one_picture_and_no_mask(pictures: int, mask: bool, field: str):
    with pytest.raises(Invalid) as refused:
        check_edit(pictures=pictures, mask=mask)
    assert [error.field for error in refused.value.errors] == [field]
    check_edit(pictures=1, mask=False)
