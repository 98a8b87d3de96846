"""The organisations, models and calls of the demo market."""

from dataclasses import dataclass
from pathlib import Path

from marketplace.core.money import MICRO

WEIGHTS = Path(__file__).parent / "weights"
CREDIT = 25 * MICRO


@dataclass(frozen=True)
class Party:
    """A demo organisation and its owner."""

    slug: str
    name: str
    email: str
    can_buy: bool = False
    can_provide: bool = False


@dataclass(frozen=True)
class DemoModel:
    """A folder of `WEIGHTS` and how it is sold.

    Attributes:
        unit_price: micro-units for one unit of the model's task, for example one image.
        pipeline_class: publish the folder's weights under another pipeline class.
        card: a card of `WEIGHTS` to publish instead of the folder's own.
    """

    provider: Party
    folder: str
    name: str
    unit_price: int
    pipeline_class: str | None = None
    card: str | None = None

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.provider.slug}/{self.name}"


BUYER = Party("acme", "Acme Retail", "buyer@demo.bourse", can_buy=True)
OTHER_BUYER = Party("borealis", "Borealis Travel", "other-buyer@demo.bourse", can_buy=True)
PROVIDER = Party("lumen", "Lumen Studio", "provider@demo.bourse", can_provide=True)
OTHER_PROVIDER = Party("papercut", "Papercut Labs", "other-provider@demo.bourse", can_provide=True)
THIRD_PROVIDER = Party("kirigami", "Kirigami House", "third-provider@demo.bourse", can_provide=True)
OPERATOR_EMAIL = "operator@demo.bourse"

HERO = DemoModel(PROVIDER, "hero", "icon-hero", 4_000)

# The text-to-image models, on sale from the start; the first is the hero.
MODELS = (
    HERO,
    DemoModel(OTHER_PROVIDER, "workhorse", "icon-workhorse", 1_000),
    DemoModel(THIRD_PROVIDER, "cutout", "icon-cutout", 3_000),
)

# The models that take pictures, on sale as well.
TOOLS = (
    DemoModel(
        PROVIDER,
        "hero",
        "icon-redraw",
        4_000,
        pipeline_class="StableDiffusionImg2ImgPipeline",
        card="image-to-image.md",
    ),
    DemoModel(OTHER_PROVIDER, "matte", "icon-matte", 500),
    DemoModel(OTHER_PROVIDER, "upscaler", "icon-upscaler", 500),
    DemoModel(THIRD_PROVIDER, "scorer", "icon-scorer", 200),
)

# The demo buyer's alias for the hero.
ALIAS = "hero"

ACCEPTED_PRICE = 6_000  # micro-units for one accepted image under the demo's outcome contract
REVIEW_HOURS = 72
MAX_UNREVIEWED = 50

PROMPTS = (
    "a red heart with a white outline on a navy background",
    "a gold crown on a purple background",
    "a glossy blue drop on a white background",
    "a striped green leaf on a yellow background",
    "a white cloud with a black outline on a blue background",
    "a pink flower on a teal background",
    "a yellow star with a shadow on a red background",
    "an orange gear on a gray background",
    "a dotted purple house on a white background",
    "a teal ring on a black background",
    "a yellow bolt with a white outline on a purple background",
    "a brown tree on a green background",
)


@dataclass(frozen=True)
class ContractCall:
    """A call of the demo's history under its outcome contract, with the verdicts on its images in order.

    Attributes:
        verdicts: True for accepted, or the reason for a rejection; further images stay without a verdict.
    """

    prompt: str
    images: int = 1
    verdicts: tuple[bool | str, ...] = ()


CONTRACT_CALLS = (
    ContractCall("a gold crown on a purple background", 2, (True, True)),
    ContractCall("a red heart with a white outline on a navy background", 1, (True,)),
    ContractCall("a striped green leaf on a yellow background", 2, ("The stripes are hard to see", True)),
    ContractCall("a white cloud with a black outline on a blue background", 1, ("Outline too thin for print",)),
    ContractCall("an orange gear on a gray background", 1, (True,)),
    ContractCall("a yellow star with a shadow on a red background", 4, (True,)),
    ContractCall("a pink flower on a teal background", 1),
    ContractCall("a teal ring on a black background", 2),
)
