"""Forms of the operator's pages."""

from marketplace.web.shared.fields import Flag
from marketplace.web.shared.forms import Form


class EventsQuery(Form):
    """Whether only open events of the gateway are shown."""

    open = Flag()
