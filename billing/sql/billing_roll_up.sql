-- Makes the usage of the hours from p_from until before p_to (both whole hours) what the usage records of them sum to.
-- Answers with how many rows changed. It may run again and at once with itself: calls take turns, and each reads what is
-- committed when its turn comes (the transaction must be READ COMMITTED).
CREATE OR REPLACE FUNCTION billing_roll_up(p_from timestamptz, p_to timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE changed bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('billing_roll_up', 0));
  WITH summed AS MATERIALIZED (
    SELECT date_trunc('hour', u.created_at, 'UTC') AS hour, u.payee, u.sku, u.unit, u.currency, count(*) AS calls,
           sum(u.quantity)::bigint AS quantity, sum(u.amount)::bigint AS gross, sum(u.fee)::bigint AS fees
    FROM billing_usagerecord u WHERE u.created_at >= p_from AND u.created_at < p_to GROUP BY 1, 2, 3, 4, 5
  ), gone AS (
    DELETE FROM billing_usagehour h
    WHERE h.hour >= p_from AND h.hour < p_to
      AND NOT EXISTS (SELECT FROM summed s WHERE (s.hour, s.payee, s.sku, s.unit, s.currency)
                                               = (h.hour, h.payee, h.sku, h.unit, h.currency))
    RETURNING 1
  ), written AS (
    INSERT INTO billing_usagehour AS h(hour, payee, sku, unit, currency, calls, quantity, gross, fees)
      SELECT hour, payee, sku, unit, currency, calls, quantity, gross, fees FROM summed
    ON CONFLICT (hour, payee, sku, unit, currency) DO UPDATE
      SET calls = excluded.calls, quantity = excluded.quantity, gross = excluded.gross, fees = excluded.fees
      WHERE h IS DISTINCT FROM excluded
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM written) INTO changed;
  RETURN changed;
END $$;
