"""The documents of all requests. Fields with rules in the domain (a price, a model's input) are passed on unchecked."""

from typing import Annotated, Any, ClassVar, Literal

from msgspec import UNSET, Meta

from billing.outcomes.domain import Verdict
from marketplace.core.shapes import Says, Shape

MAX_REFERENCE_LENGTH = 300  # characters of a model's or version's name
REFERENCE = Meta(max_length=MAX_REFERENCE_LENGTH)

MaxPrice = Annotated[
    Any,
    Meta(
        description="The most that the call may cost, in the market's currency; it is refused if it may cost more",
        extra_json_schema={"type": ["string", "number", "null"]},
    ),
]
Contract = Annotated[
    Any,
    Meta(
        description="The outcome contract to run under: only accepted images are paid for",
        extra_json_schema={"type": ["string", "null"]},
    ),
]
File = Annotated[Any, Meta(extra_json_schema={"type": "string", "format": "binary"})]


class Conditioned(Shape, kw_only=True, frozen=True):
    """The conditions of a call, which are the same in every dialect."""

    max_price: MaxPrice = None
    contract: Contract = None


class CreatePrediction(Conditioned, kw_only=True, frozen=True):
    """The input of a call; the address names the model."""

    input: Annotated[
        Any, Meta(description="As the version's Input schema says", extra_json_schema={"type": "object"})
    ] = {}  # msgspec copies it


class CreatePredictionOfVersion(CreatePrediction, kw_only=True, frozen=True):
    """The model to run, and its input."""

    REFUSED: ClassVar[str] = "Say which model to run"

    version: Annotated[
        str,
        REFERENCE,
        Meta(description="A version's id, owner/name, or owner/name:version"),
        Says("is required: a version's id, owner/name or owner/name:version"),
    ]


class GiveVerdict(Shape, kw_only=True, frozen=True):
    """A verdict on one image of a prediction under an outcome contract."""

    REFUSED: ClassVar[str] = "Nothing was decided"

    verdict: Annotated[Verdict, Says(f"must be one of {', '.join(Verdict)}")]
    position: Annotated[int, Says("must be the whole number of an output, from 0")] = 0
    reason: Annotated[str | None, Says("must be a text")] = None


class PutAlias(Shape, kw_only=True, frozen=True):
    """The new target of an alias."""

    REFUSED: ClassVar[str] = "The alias was not changed"
    TARGET: ClassVar[Says] = Says("must be owner/name or owner/name@v2")

    model: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_REFERENCE_LENGTH, pattern=r"^[^\x00]*$"),
        Meta(description="owner/name, with @v2 to pin a version"),
        TARGET,
    ]
    expected: Annotated[
        Annotated[str, Meta(min_length=1, max_length=MAX_REFERENCE_LENGTH, pattern=r"^[^\x00]*$")] | None,
        Meta(description="The target that the caller knows of; a move that somebody else made is not undone"),
        TARGET,
    ] = None


class GenerateImages(Conditioned, kw_only=True, frozen=True):
    """OpenAI's fields. Further fields, such as `seed`, are inputs of the model."""

    model: Annotated[
        str,
        REFERENCE,
        Meta(description="owner/name of a model on sale, or of an alias"),
        Says("is required: owner/name of a model, as GET /openai/v1/models lists them"),
    ]
    prompt: Annotated[Any, Meta(extra_json_schema={"type": "string"})] = UNSET
    n: Annotated[Any, Meta(description="Pictures", extra_json_schema={"type": ["integer", "null"], "minimum": 1})] = (
        None
    )
    size: Annotated[
        Annotated[str, Meta(pattern=r"^(auto|[0-9]{1,5}x[0-9]{1,5})$(?!\n)")] | None,
        Meta(description="auto, or width and height in pixels such as 128x128"),
        Says('must be "auto" or width and height in pixels such as "128x128"'),
    ] = None
    output_format: Annotated[Literal["png", "jpeg", "webp"] | None, Says("must be one of png, jpeg, webp")] = None
    response_format: Annotated[
        Literal["url", "b64_json"] | None,
        Meta(description="Both, unless one is asked for"),
        Says("must be one of url, b64_json"),
    ] = None
    stream: Annotated[Any, Meta(description="Only false", extra_json_schema={"type": ["boolean", "null"]})] = None


class EditImages(GenerateImages, kw_only=True, frozen=True):
    """The same fields as a form, with the picture to edit."""

    image: File


class UploadFile(Shape, kw_only=True, frozen=True):
    """A picture as a form's file."""

    REFUSED: ClassVar[str] = "Nothing was kept"

    content: Annotated[File, Meta(description="A PNG, JPEG or WebP picture")]
    metadata: Annotated[str, Meta(description="A JSON object, given back as it is")] = ""
