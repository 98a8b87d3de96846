"""The documents of all answers. Static types check the code that builds them; there is no check at run time."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from billing.outcomes.domain import Verdict
from inference.domain.receipts import Receipt

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Link = Annotated[str, Meta(extra_json_schema={"format": "uri"})]
Amount = Annotated[str, Meta(description="A decimal in the currency, with six decimals", pattern=r"^-?\d+\.\d{6}$")]


class FieldError(TypedDict):
    """An error in one field of the request, named by its dotted path."""

    field: str
    detail: str


class Problem(TypedDict):
    """A refusal (RFC 7807): the error and what to do. Some kinds of problems have further members."""

    type: Annotated[str, Meta(description="/docs/errors#kind")]
    title: str
    status: int
    detail: str
    instance: str
    request_id: NotRequired[str]
    errors: NotRequired[list[FieldError]]


class PredictionUrls(TypedDict):
    get: Link
    cancel: Link
    stream: Link
    events: Link
    web: Link


class Metrics(TypedDict, total=False):
    """Durations in seconds; unknown ones are left out."""

    predict_time: float
    total_time: float
    queue_seconds: float
    load_seconds: float
    run_seconds: float
    total_seconds: float


class Prediction(TypedDict):
    id: str
    model: str
    version: str
    input: dict[str, Any]
    output: Annotated[Any, Meta(description="Signed links to files, or the value that the task answers with")]
    logs: str
    error: str | None
    status: Literal["starting", "processing", "succeeded", "failed", "canceled"]
    source: str
    data_removed: bool
    created_at: Time
    started_at: Time | None
    completed_at: Time | None
    urls: PredictionUrls
    metrics: Metrics
    receipt: Receipt | None


class Page(TypedDict):
    previous: Link | None
    next: Link | None


class PredictionPage(Page):
    results: list[Prediction]


class Review(TypedDict):
    prediction: str
    position: int
    verdict: Verdict
    reason: str | None
    reviewed_at: Time
    outcome: str
    receipt: Receipt | None


class Schemas(TypedDict):
    Input: dict[str, Any]
    Output: dict[str, Any]


class Components(TypedDict):
    schemas: Schemas


class Info(TypedDict):
    title: str
    version: str


class VersionSchema(TypedDict):
    """An OpenAPI document of the version's input and output, for Replicate's clients."""

    openapi: str
    info: Info
    paths: dict[str, Any]
    components: Components


class Version(TypedDict):
    id: str
    created_at: Time
    cog_version: str
    openapi_schema: VersionSchema


class VersionPage(Page):
    results: list[Version]


class Price(TypedDict):
    unit: str
    amount_micro: Annotated[int, Meta(description="Millionths of the currency, for one unit")]
    currency: str


class Measured(TypedDict):
    since: Time
    runs: int
    success_rate: float | None
    p50_run_seconds: float | None
    p95_run_seconds: float | None
    p50_queue_seconds: float | None


class Model(TypedDict):
    url: Link
    owner: str
    name: str
    description: str
    visibility: str
    github_url: None
    paper_url: None
    license_url: None
    license: str
    task: str
    run_count: int
    cover_image_url: None
    default_example: None
    latest_version: Version
    price: Price
    measured: Measured


class ModelPage(Page):
    results: list[Model]


class FileUrls(TypedDict):
    get: Link
    download: Link


class Checksums(TypedDict):
    sha256: str


class File(TypedDict):
    """An upload. A call names it by `urls.get`."""

    id: str
    name: str
    content_type: str
    size: int
    etag: str
    checksums: Checksums
    metadata: dict[str, Any]
    width: int
    height: int
    created_at: Time
    expires_at: Time
    urls: FileUrls


class FilePage(Page):
    results: list[File]


class Alias(TypedDict):
    alias: str
    model: str
    on_sale: Annotated[bool, Meta(description="Whether calls of it go through")]
    moved_at: Time
    url: Link


class AliasPage(Page):
    results: list[Alias]


class Balance(TypedDict):
    available: Amount
    held: Amount
    currency: str


class Account(TypedDict):
    type: Literal["organization"]
    username: str
    name: str
    balance: Balance


class ReceiptKey(TypedDict):
    id: str
    algorithm: Literal["Ed25519"]
    public_key: str


class ReceiptKeys(TypedDict):
    keys: list[ReceiptKey]


class DraftFile(TypedDict):
    """A file of a draft that has been received."""

    path: str
    sha256: str
    size: int


class Image(TypedDict, total=False):
    url: Link
    b64_json: str


class ImagePrediction(TypedDict):
    """The data of the prediction for which OpenAI's answer has no fields."""

    id: str
    metrics: Metrics
    receipt: Receipt | None
    urls: PredictionUrls


class Images(TypedDict):
    created: int
    data: list[Image]
    output_format: str | None
    size: str | None
    prediction: ImagePrediction


class OpenAIModel(TypedDict):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class OpenAIModels(TypedDict):
    object: Literal["list"]
    data: list[OpenAIModel]


class OpenAIErrorDetail(TypedDict):
    message: str
    type: str
    param: str | None
    code: str


class OpenAIError(TypedDict):
    """A refusal in the format of OpenAI's clients."""

    error: OpenAIErrorDetail


class Health(TypedDict):
    """The state of each part of the market: `ok`, or the error."""

    database: str
    redis: str
    node: str
    models: NotRequired[str]
