"""The statements of a prediction's life, sent unchanged by Django's connections and by the async front's pool.

The functions that they call stand beside this file.
"""

ADMIT = "SELECT outcome, prediction FROM inference_admit(%(admission)s)"

# A waiter that gives up promises its caller a prediction, so this commit does wait for the disk.
STOP_WAITING = "UPDATE inference_prediction SET waiter = NULL WHERE id = %(id)s"

CANCEL = "SELECT status, node, waiter FROM inference_cancel(%(id)s, %(organization)s, %(not_billed)s)"

CLAIM = """
SELECT id, attempt, input, price, quantity, waiter, more
FROM inference_claim(%(node)s, %(device)s, %(version)s, %(limit)s, %(lease)s)
"""

COMPLETE = "SELECT id, waiter, status FROM inference_complete(%(results)s)"

TAKE_BACK = """
SELECT id, version, status, waiter
FROM inference_take_back(%(node)s, %(most_attempts)s, %(error)s, %(failed_free)s, %(canceled_free)s)
"""

# Rows are locked in the order of their ids, as everybody locks them.
RENEW = """
UPDATE inference_prediction SET lease_until = now() + make_interval(secs => %(lease)s)
WHERE id IN (SELECT id FROM inference_prediction
             WHERE node_id = %(node)s AND status = 'processing' AND id = ANY (%(ids)s) ORDER BY id FOR NO KEY UPDATE)
RETURNING id, cancel_requested_at IS NOT NULL AS canceled
"""

GIVE_UP = "SELECT id, waiter FROM inference_give_up(%(hours)s, %(error)s, %(not_billed)s)"

ROLL_UP = "SELECT inference_roll_up(%(start)s, %(end)s, %(recent)s)"

REFRESH_STATS = "SELECT inference_refresh_stats(%(models)s::uuid[], %(window)s, %(recent)s)"
