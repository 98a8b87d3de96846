-- Cancels on behalf of the buyer. Answers with the status after it and the node that still works on it, if one does.
CREATE OR REPLACE FUNCTION inference_cancel(p_id uuid, p_organization uuid, p_not_billed text)
RETURNS TABLE(status text, node text, waiter text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE found inference_prediction;
BEGIN
  SELECT * INTO found FROM inference_prediction p WHERE p.id = p_id AND p.organization_id = p_organization FOR UPDATE;
  IF found.id IS NULL THEN RETURN; END IF;
  IF found.status = 'starting' THEN
    PERFORM billing_release(ARRAY[p_id], 'voided');
    UPDATE inference_prediction p SET status = 'canceled', completed_at = clock_timestamp(), amount_charged = 0,
      not_billed = p_not_billed, cancel_requested_at = now() WHERE p.id = p_id;
    INSERT INTO core_outboxevent(topic, payload)
      VALUES ('prediction.completed', jsonb_build_object('id', p_id, 'model', found.model_id, 'status', 'canceled'));
    RETURN QUERY SELECT 'canceled', NULL::text, found.waiter::text;
  ELSIF found.status = 'processing' THEN
    UPDATE inference_prediction p SET cancel_requested_at = coalesce(p.cancel_requested_at, now()) WHERE p.id = p_id;
    RETURN QUERY SELECT 'processing', found.node_id::text, found.waiter::text;
  ELSE
    RETURN QUERY SELECT found.status::text, NULL::text, found.waiter::text;
  END IF;
END $$;
