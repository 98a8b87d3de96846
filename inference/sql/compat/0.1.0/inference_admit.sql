-- Admission as web processes of 0.1.0 ask for it: the same as a document. They know prices per image only, and no ceiling
-- as null. The amount that they rated is not needed any more.
CREATE OR REPLACE FUNCTION inference_admit(
  p_id uuid, p_organization uuid, p_key uuid, p_user uuid, p_model uuid, p_version text, p_sku text, p_price bigint,
  p_quantity int, p_amount bigint, p_input jsonb, p_batch_key text, p_origin text, p_waiter text, p_hold_hours int,
  p_max_price bigint, p_idempotency_key text, p_request_hash text, p_contract uuid, p_subject text,
  p_source text, p_label text, OUT outcome text, OUT prediction uuid
) LANGUAGE sql AS $$
  SELECT outcome, prediction FROM inference_admit(jsonb_build_object(
    'schema', 1, 'id', p_id, 'organization', p_organization, 'key', p_key, 'user', p_user, 'model', p_model,
    'version', p_version, 'sku', p_sku, 'price', p_price, 'quantity', p_quantity, 'input', p_input,
    'ceiling', coalesce(to_jsonb(p_max_price), '"none"'), 'batch_key', p_batch_key, 'origin', p_origin,
    'reply_channel', p_waiter, 'hold_hours', p_hold_hours, 'source', p_source, 'label', p_label,
    'idempotency', CASE WHEN p_idempotency_key IS NOT NULL
                     THEN jsonb_build_object('key', p_idempotency_key, 'request_hash', p_request_hash) END,
    'contract', CASE WHEN p_contract IS NOT NULL
                  THEN jsonb_build_object('id', p_contract, 'subject', p_subject) END))
$$;
