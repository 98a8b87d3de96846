"""What the operator's pages take in."""

from marketplace.web.shared.fields import Flag
from marketplace.web.shared.forms import Form


class EventsQuery(Form):
    """Which events of the gateway are shown."""

    open = Flag()
