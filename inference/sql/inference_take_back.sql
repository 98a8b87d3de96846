-- Takes claimed predictions back from a node that restarted (p_node), or all whose lease has run out (p_node is null).
-- They wait again, unless they were tried too often or their buyer canceled: those end and cost nothing.
CREATE OR REPLACE FUNCTION inference_take_back(p_node text, p_most_attempts int, p_error text, p_failed_free text, p_canceled_free text)
RETURNS TABLE(id uuid, version text, status text, waiter text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE lost uuid[]; ended uuid[];
BEGIN
  SELECT array_agg(l.id) INTO lost FROM (
    SELECT p.id FROM inference_prediction p
    WHERE p.status = 'processing' AND (p.node_id = p_node OR (p_node IS NULL AND p.lease_until < now()))
    ORDER BY p.id FOR UPDATE SKIP LOCKED) l;
  IF lost IS NULL THEN RETURN; END IF;
  UPDATE inference_prediction p SET status = 'starting', node_id = NULL, device = '', lease_until = NULL, started_at = NULL
    WHERE p.id = ANY (lost) AND p.attempt < p_most_attempts AND p.cancel_requested_at IS NULL;
  WITH over AS (
    UPDATE inference_prediction p
      SET status = CASE WHEN p.cancel_requested_at IS NULL THEN 'failed' ELSE 'canceled' END,
          error = CASE WHEN p.cancel_requested_at IS NULL THEN p_error ELSE '' END,
          not_billed = CASE WHEN p.cancel_requested_at IS NULL THEN p_failed_free ELSE p_canceled_free END,
          amount_charged = 0, completed_at = clock_timestamp(), lease_until = NULL
      WHERE p.id = ANY (lost) AND p.status = 'processing' RETURNING p.id)
  SELECT array_agg(over.id ORDER BY over.id) INTO ended FROM over;
  PERFORM billing_release(ended, 'voided');
  INSERT INTO core_outboxevent(topic, payload)
    SELECT CASE p.status WHEN 'starting' THEN 'prediction.admitted' ELSE 'prediction.completed' END,
           CASE p.status WHEN 'starting' THEN jsonb_build_object('version', p.version_id)
             ELSE jsonb_build_object('id', p.id, 'model', p.model_id, 'status', p.status) END
    FROM inference_prediction p WHERE p.id = ANY (lost);
  RETURN QUERY SELECT p.id, p.version_id::text, p.status::text, p.waiter::text
    FROM inference_prediction p WHERE p.id = ANY (lost);
END $$;
