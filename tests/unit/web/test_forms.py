from marketplace.web.shared.calls import code_call
from marketplace.web.shared.inputs import chosen_values, schema_fields

SCHEMA = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "seed": {"type": ["integer", "null"], "x-order": 3, "default": None, "minimum": 0, "maximum": 9},
        "prompt": {"type": "string", "title": "Prompt", "maxLength": 2_000, "x-order": 0},
        "width": {"type": "integer", "x-order": 2, "default": 128, "minimum": 64, "maximum": 256, "multipleOf": 8},
        "guidance": {"type": "number", "x-order": 4, "default": 7.5, "minimum": 0, "maximum": 20},
        "tag": {"type": "string", "x-order": 1, "maxLength": 20, "default": ""},
        "format": {"type": "string", "x-order": 5, "enum": ["png", "jpg"], "default": "png"},
        "tiled": {"type": "boolean", "x-order": 6, "default": False},
    },
}


def test_fields_stand_in_the_order_of_the_schema_with_their_types() -> None:
    fields = schema_fields(SCHEMA, {})
    assert [(field["name"], field["type"]) for field in fields] == [
        ("prompt", "text"),
        ("tag", "string"),
        ("width", "integer"),
        ("seed", "integer"),
        ("guidance", "number"),
        ("format", "enum"),
        ("tiled", "boolean"),
    ]


def test_fields_after_the_third_are_folded_away_unless_required() -> None:
    assert [field["advanced"] for field in schema_fields(SCHEMA, {})] == [False, False, False, True, True, True, True]


def test_steps_follow_the_schema() -> None:
    steps = {field["name"]: field["step"] for field in schema_fields(SCHEMA, {})}
    assert (steps["width"], steps["seed"], steps["guidance"]) == (8, 1, "any")


def test_values_come_from_the_address_else_are_the_defaults() -> None:
    values = {field["name"]: field["value"] for field in schema_fields(SCHEMA, {"prompt": "a star", "width": "256"})}
    assert values == {
        "prompt": "a star",
        "tag": "",
        "width": "256",
        "seed": "",
        "guidance": 7.5,
        "format": "png",
        "tiled": False,
    }


def test_chosen_values_are_what_a_call_has_to_name() -> None:
    given = {"prompt": "a star", "tag": "", "width": 128, "seed": 0, "guidance": 7.5, "format": "jpg", "tiled": None}
    assert chosen_values(schema_fields(SCHEMA, given)) == {"prompt": "a star", "seed": 0, "format": "jpg"}


def test_a_field_that_takes_a_picture_is_a_file_in_the_form_and_in_code() -> None:
    image = {"type": "string", "format": "uri", "x-media": "image", "x-max-side": 512, "x-order": 7}
    schema = SCHEMA | {"properties": SCHEMA["properties"] | {"image": image}, "required": ["prompt", "image"]}
    fields = schema_fields(schema, {"image": "/v1/files/x"})
    (field,) = [field for field in fields if field["name"] == "image"]
    assert (field["type"], field["value"], field["largest_side"]) == ("file", "/v1/files/x", 512)
    call = code_call("acme/cut", task="matting", fields=fields, chosen={"prompt": "x"})
    assert call == {"model": "acme/cut", "input": {"prompt": "x"}, "files": ["image"], "value": False}
    assert code_call("acme/score", task="scoring", fields=schema_fields(SCHEMA, {}), chosen={}) == {
        "model": "acme/score",
        "input": {},
        "files": [],
        "value": True,
    }
