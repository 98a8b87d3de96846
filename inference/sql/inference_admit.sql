-- Checks what may have changed since the caller looked, holds the money, inserts the prediction and its news.
-- The document has schema 1: {"schema", "id", "organization", "key" (null: a member), "user", "model", "version", "sku",
-- "price", "quantity" (parts of the price's unit), "ceiling" (micro-units, or "none"), "contract" ({"id", "subject"} or
-- null), "idempotency" ({"key", "request_hash"} or null), "input", "batch_key", "origin", "hold_hours", "source",
-- "label"}, and "reply_channel" where a web process waits. A missing one is refused with SQLSTATE BO422, unknown ones are
-- ignored.
-- `outcome` is 'admitted' or the reason why not: key_revoked, version_withdrawn, price_changed, above_max_price,
-- insufficient_funds; under an outcome contract also contract_unknown, contract_ended, contract_full. With an
-- idempotency key that was used before it is 'replayed', or 'key_reused' where something else was asked for;
-- `prediction` is then the first one, else the one that was admitted.
-- With a reply channel the commit does not wait for the disk: the completion that is awaited comes later in the same
-- log. With an idempotency key it does: a caller who repeats the call is told of the prediction before it has ended.
CREATE OR REPLACE FUNCTION inference_admit(p jsonb, OUT outcome text, OUT prediction uuid) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  the_id uuid := p ->> 'id'; the_organization uuid := p ->> 'organization'; the_version text := p ->> 'version';
  the_price bigint := p ->> 'price'; the_quantity bigint := p ->> 'quantity'; the_hold_hours int := p ->> 'hold_hours';
  the_idempotency_key text := p #>> '{idempotency,key}'; the_request_hash text := p #>> '{idempotency,request_hash}';
  the_contract uuid := p #>> '{contract,id}'; the_reply_channel text := p ->> 'reply_channel';
  the_max_price bigint := nullif(p ->> 'ceiling', 'none');
  amount bigint; known_hash text;
BEGIN
  p := core_require(p, ARRAY['schema', 'id', 'organization', 'model', 'version', 'sku', 'price', 'quantity', 'ceiling',
    'input', 'batch_key', 'origin', 'hold_hours', 'source', 'label'], ARRAY['key', 'user', 'contract', 'idempotency'], 1);
  IF p -> 'contract' <> 'null' THEN PERFORM core_require(p -> 'contract', ARRAY['id', 'subject']); END IF;
  IF p -> 'idempotency' <> 'null' THEN
    PERFORM core_require(p -> 'idempotency', ARRAY['key', 'request_hash']);
  END IF;
  IF p -> 'key' <> 'null' AND NOT accounts_key_valid((p ->> 'key')::uuid, the_organization) THEN
    outcome := 'key_revoked';
    RETURN;
  END IF;
  IF the_idempotency_key IS NOT NULL THEN
    -- An admission under the same key at this moment is waited for here. A row that exists is locked, so that the
    -- sweep cannot take it away before it is read.
    INSERT INTO inference_idempotencykey AS k (organization_id, key, request_hash, prediction_id)
      VALUES (the_organization, the_idempotency_key, the_request_hash, the_id)
      ON CONFLICT (organization_id, key) DO UPDATE SET key = k.key
      RETURNING k.prediction_id, k.request_hash INTO prediction, known_hash;
    IF prediction <> the_id THEN
      outcome := CASE known_hash WHEN the_request_hash THEN 'replayed' ELSE 'key_reused' END;
      RETURN;
    END IF;
  END IF;
  IF the_reply_channel IS NOT NULL AND the_idempotency_key IS NULL THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  amount := billing_quote(p ->> 'sku', the_price, the_quantity);
  outcome := CASE
    WHEN NOT providers_version_callable(the_version) THEN 'version_withdrawn'
    WHEN amount IS NULL THEN 'price_changed'
    WHEN amount > the_max_price THEN 'above_max_price'
    WHEN the_contract IS NOT NULL THEN billing_authorize(
      the_id, the_contract, the_organization::text, p #>> '{contract,subject}', the_price, the_quantity, amount,
      p ->> 'source', p ->> 'label', the_hold_hours)
    ELSE billing_hold(the_id, the_organization::text, the_price, amount, now() + make_interval(hours => the_hold_hours)) END;
  IF outcome <> 'held' THEN  -- a call that was refused leaves its key unused
    DELETE FROM inference_idempotencykey WHERE organization_id = the_organization AND key = the_idempotency_key;
    RETURN;
  END IF;
  INSERT INTO inference_prediction(id, organization_id, api_key_id, user_id, model_id, version_id, origin, status, input,
                                   batch_key, price_id, quantity, amount_held, max_price, contract_id, waiter)
    VALUES (the_id, the_organization, (p ->> 'key')::uuid, (p ->> 'user')::uuid, (p ->> 'model')::uuid, the_version,
            p ->> 'origin', 'starting', p -> 'input', p ->> 'batch_key', the_price, the_quantity, amount, the_max_price,
            the_contract, the_reply_channel);
  INSERT INTO core_outboxevent(topic, payload, due_at)
    VALUES ('prediction.admitted', jsonb_build_object('version', the_version), now() + interval '2 seconds');
  outcome := 'admitted';
  prediction := the_id;
END $$;
