-- What was delivered waits for its reviewer from now on: [{"id", "quantities"}, …], with the quantities of
-- billing_delivered. Its hold stays, at least a day longer than the review. Answers with those that were authorized; other ids are no outcomes, or theirs ended before.
CREATE OR REPLACE FUNCTION billing_observe(p_items jsonb) RETURNS TABLE(outcome uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE delivered_ids uuid[];
BEGIN
  SELECT jsonb_agg(told) INTO p_items FROM (
    SELECT DISTINCT ON (o.id) o.id, billing_delivered(i.quantities, p.unit) AS delivered
    FROM jsonb_to_recordset(p_items) AS i(id uuid, quantities jsonb)
    JOIN billing_outcome o ON o.id = i.id AND o.state = 'authorized'
    JOIN billing_hold h ON h.id = o.id
    JOIN billing_price p ON p.id = h.price_id) told WHERE told.delivered > 0;
  IF p_items IS NULL THEN RETURN; END IF;
  SELECT array_agg(h.id) INTO delivered_ids FROM (
    SELECT id FROM billing_hold WHERE state = 'pending' AND id IN (
      SELECT i.id FROM jsonb_to_recordset(p_items) AS i(id uuid))
    ORDER BY id FOR UPDATE) h;
  IF delivered_ids IS NULL THEN RETURN; END IF;
  RETURN QUERY
    UPDATE billing_outcome o
      SET state = 'observing', delivered = least(i.delivered, o.quantity), observed_at = now(),
          review_until = now() + make_interval(hours => f.review_hours)
      FROM jsonb_to_recordset(p_items) AS i(id uuid, delivered bigint),
           billing_outcomecontract c, billing_outcomeoffer f
      WHERE o.id = ANY (delivered_ids) AND o.state = 'authorized' AND i.id = o.id
        AND c.id = o.contract_id AND f.id = c.offer_id
      RETURNING o.id;
  UPDATE billing_hold h SET expires_at = greatest(h.expires_at, o.review_until + interval '1 day')
    FROM billing_outcome o WHERE h.id = ANY (delivered_ids) AND o.id = h.id;
END $$;
