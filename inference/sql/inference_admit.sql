-- Checks what may have changed since the caller looked, holds the money, inserts the prediction and its news.
-- `outcome` is 'admitted' or the reason why not: key_revoked, version_withdrawn, price_changed, above_max_price,
-- insufficient_funds; under an outcome contract also contract_unknown, contract_ended, contract_full. With an
-- idempotency key that was used before it is 'replayed', or 'key_reused' where something else was asked for;
-- `prediction` is then the first one, else the one that was admitted.
-- With a waiter the commit does not wait for the disk: the completion that is awaited comes later in the same log. With
-- an idempotency key it does: whoever repeats the call is told of the prediction before it has ended.
CREATE OR REPLACE FUNCTION inference_admit(
  p_id uuid, p_organization uuid, p_key uuid, p_user uuid, p_model uuid, p_version text, p_sku text, p_price bigint,
  p_quantity int, p_amount bigint, p_input jsonb, p_batch_key text, p_origin text, p_waiter text, p_hold_hours int,
  p_max_price bigint, p_idempotency_key text, p_request_hash text, p_contract uuid, p_subject text,
  p_source text, p_label text, OUT outcome text, OUT prediction uuid
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE known_hash text;
BEGIN
  IF p_key IS NOT NULL AND NOT accounts_key_valid(p_key, p_organization) THEN outcome := 'key_revoked'; RETURN; END IF;
  IF p_idempotency_key IS NOT NULL THEN
    -- Whoever admits under the same key at this moment is waited for here. A row that exists is locked, so that the
    -- sweep cannot take it away before it is read.
    INSERT INTO inference_idempotencykey AS k (organization_id, key, request_hash, prediction_id)
      VALUES (p_organization, p_idempotency_key, p_request_hash, p_id)
      ON CONFLICT (organization_id, key) DO UPDATE SET key = k.key
      RETURNING k.prediction_id, k.request_hash INTO prediction, known_hash;
    IF prediction <> p_id THEN
      outcome := CASE known_hash WHEN p_request_hash THEN 'replayed' ELSE 'key_reused' END;
      RETURN;
    END IF;
  END IF;
  IF p_waiter IS NOT NULL AND p_idempotency_key IS NULL THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  outcome := CASE
    WHEN NOT providers_version_callable(p_version) THEN 'version_withdrawn'
    WHEN billing_current_price(p_sku) IS DISTINCT FROM p_price THEN 'price_changed'
    WHEN p_amount > p_max_price THEN 'above_max_price'
    WHEN p_contract IS NOT NULL THEN billing_authorize(p_id, p_contract, p_organization::text, p_subject, p_price,
                                                       p_quantity, p_amount, p_source, p_label, p_hold_hours)
    ELSE billing_hold(p_id, p_organization::text, p_price, p_amount, now() + make_interval(hours => p_hold_hours)) END;
  IF outcome <> 'held' THEN  -- a call that was refused leaves its key unused
    DELETE FROM inference_idempotencykey WHERE organization_id = p_organization AND key = p_idempotency_key;
    RETURN;
  END IF;
  INSERT INTO inference_prediction(id, organization_id, api_key_id, user_id, model_id, version_id, origin, status, input,
                                   batch_key, price_id, quantity, amount_held, max_price, contract_id, waiter)
    VALUES (p_id, p_organization, p_key, p_user, p_model, p_version, p_origin, 'starting', p_input,
            p_batch_key, p_price, p_quantity, p_amount, p_max_price, p_contract, p_waiter);
  INSERT INTO core_outboxevent(topic, payload, due_at)
    VALUES ('prediction.admitted', jsonb_build_object('version', p_version), now() + interval '2 seconds');
  outcome := 'admitted';
  prediction := p_id;
END $$;
