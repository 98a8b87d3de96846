-- Lets holds go without charging anything; p_state is 'voided' or 'expired'. Answers with how many were pending.
-- What was delivered and waits for its reviewer is not let go so: billing_conclude decides on it.
CREATE OR REPLACE FUNCTION billing_release(p_holds uuid[], p_state text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE pending uuid[];
BEGIN
  IF p_state IS NULL OR p_state NOT IN ('voided', 'expired') THEN
    RAISE EXCEPTION 'a hold is released as voided or expired, not as %', p_state USING ERRCODE = 'check_violation';
  END IF;
  SELECT array_agg(id) INTO pending FROM (
    SELECT id FROM billing_hold WHERE id = ANY (p_holds) AND state = 'pending' ORDER BY id FOR UPDATE) locked;
  -- Seen once the holds are locked, so that a delivery at the same moment has happened or cannot happen any more.
  SELECT array_agg(id) INTO pending FROM unnest(pending) AS locked(id)
    WHERE NOT EXISTS (SELECT FROM billing_outcome o WHERE o.id = locked.id AND o.state = 'observing');
  IF pending IS NULL THEN RETURN 0; END IF;
  PERFORM FROM billing_account WHERE id IN (SELECT account_id FROM billing_hold WHERE id = ANY (pending))
    ORDER BY id FOR NO KEY UPDATE;
  UPDATE billing_account a SET held = a.held - released.total
    FROM (SELECT account_id, sum(amount) AS total FROM billing_hold WHERE id = ANY (pending) GROUP BY account_id) released
    WHERE a.id = released.account_id;
  UPDATE billing_hold SET state = p_state, posted_amount = 0, resolved_at = now() WHERE id = ANY (pending);
  RETURN cardinality(pending);
END $$;
