"""`python -m tests.support.doubles.stripe PORT [WEBHOOK_URL WEBHOOK_SECRET]`: the double for manual tests.

Start the market with `STRIPE_SECRET_KEY=sk_test_double STRIPE_WEBHOOK_SECRET=whsec_double
STRIPE_API_BASE=http://127.0.0.1:PORT`. `GET /double` shows its whole state.
"""

import sys
import threading
from contextlib import suppress

from tests.support.doubles.stripe.server import StripeDouble

if __name__ == "__main__":
    if len(sys.argv) not in (2, 4):
        sys.exit(__doc__)
    with StripeDouble(port=int(sys.argv[1])) as double:
        if len(sys.argv) == 4:
            double.tell(sys.argv[2], secret=sys.argv[3])
        print(f"Stripe's double listens on {double.url}", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
