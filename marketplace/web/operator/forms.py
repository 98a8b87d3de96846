"""Forms of the operator's pages."""

from typing import Any

from marketplace.web.shared.fields import Flag, Text
from marketplace.web.shared.forms import Form


class EventsQuery(Form):
    """Whether only open events of the gateway are shown."""

    open = Flag()


class SearchQuery(Form):
    """What a list is searched for.

    Args:
        label: what the list can be searched by.
    """

    marks_optional = False

    q = Text(max_length=130, required=False)

    def __init__(self, *args: Any, label: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["q"].label = label
