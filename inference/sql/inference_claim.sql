-- Gives a node the oldest waiting prediction of a version that nobody else is claiming, and others that may run in one
-- batch with it. `more` says whether further ones wait. Not durable at once: a lost claim is only claimed again.
CREATE OR REPLACE FUNCTION inference_claim(p_node text, p_device text, p_version text, p_limit int, p_lease_seconds int)
RETURNS TABLE(id uuid, attempt int, input jsonb, price bigint, quantity bigint, waiter text, more boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE picked uuid[]; others boolean;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT array_agg(w.id) INTO picked FROM (
    SELECT p.id FROM inference_prediction p
    WHERE p.version_id = p_version AND p.status = 'starting' AND p.batch_key = (
      SELECT h.batch_key FROM inference_prediction h
      WHERE h.version_id = p_version AND h.status = 'starting' ORDER BY h.id LIMIT 1 FOR UPDATE SKIP LOCKED)
    ORDER BY p.id LIMIT p_limit FOR UPDATE SKIP LOCKED) w;
  IF picked IS NULL THEN RETURN; END IF;
  others := EXISTS (SELECT FROM inference_prediction p
                    WHERE p.version_id = p_version AND p.status = 'starting' AND p.id <> ALL (picked));
  RETURN QUERY
    UPDATE inference_prediction p
      SET status = 'processing', attempt = p.attempt + 1, node_id = p_node, device = p_device, started_at = now(),
          lease_until = now() + make_interval(secs => p_lease_seconds)
      WHERE p.id = ANY (picked)
      RETURNING p.id, p.attempt, p.input, p.price_id, p.quantity, p.waiter::text, others;
END $$;
