-- Ends predictions that no node took up in time, before their holds expire: they fail and cost nothing.
CREATE OR REPLACE FUNCTION inference_give_up(p_hours int, p_error text, p_not_billed text)
RETURNS TABLE(id uuid, waiter text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE stale uuid[];
BEGIN
  SELECT array_agg(l.id) INTO stale FROM (
    SELECT p.id FROM inference_prediction p
    WHERE p.status = 'starting' AND p.created_at < now() - make_interval(hours => p_hours)
    ORDER BY p.id LIMIT 1000 FOR UPDATE SKIP LOCKED) l;
  IF stale IS NULL THEN RETURN; END IF;
  PERFORM billing_release(stale, 'voided');
  INSERT INTO core_outboxevent(topic, payload)
    SELECT 'prediction.completed', jsonb_build_object('id', p.id, 'model', p.model_id, 'status', 'failed')
    FROM inference_prediction p WHERE p.id = ANY (stale);
  RETURN QUERY
    UPDATE inference_prediction p SET status = 'failed', error = p_error, not_billed = p_not_billed, amount_charged = 0,
      completed_at = clock_timestamp() WHERE p.id = ANY (stale) RETURNING p.id, p.waiter::text;
END $$;
