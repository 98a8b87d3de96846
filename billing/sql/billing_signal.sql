-- A verdict on one unit of a delivery, for good. `answer` is 'recorded', 'known' (the same was said before),
-- 'contradicts' (the other was), 'no_such_unit', 'too_late', or 'not_open' where nothing waits for a verdict.
CREATE OR REPLACE FUNCTION billing_signal(p_id uuid, p_unit int, p_verdict text, p_reporter text, OUT answer text, OUT state text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE found billing_outcome; known text;
BEGIN
  SELECT * INTO found FROM billing_outcome o WHERE o.id = p_id FOR UPDATE;
  state := found.state;
  SELECT s.verdict INTO known FROM billing_signal s WHERE s.outcome_id = p_id AND s.unit = p_unit;
  answer := CASE
    WHEN known = p_verdict THEN 'known'
    WHEN known IS NOT NULL THEN 'contradicts'
    WHEN found.state IS DISTINCT FROM 'observing' THEN 'not_open'
    WHEN found.review_until <= now() THEN 'too_late'
    WHEN p_unit NOT BETWEEN 0 AND found.delivered - 1 THEN 'no_such_unit'
    ELSE 'recorded' END;
  IF answer <> 'recorded' THEN RETURN; END IF;
  INSERT INTO billing_signal(outcome_id, unit, verdict, reporter) VALUES (p_id, p_unit, p_verdict, p_reporter);
  UPDATE billing_outcome o
    SET accepted = o.accepted + (p_verdict = 'accepted')::int, rejected = o.rejected + (p_verdict = 'rejected')::int
    WHERE o.id = p_id;
  PERFORM billing_conclude(ARRAY[p_id]);
  SELECT o.state INTO state FROM billing_outcome o WHERE o.id = p_id;
END $$;
