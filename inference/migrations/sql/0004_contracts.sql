-- Calls under outcome contracts: admitted by billing_authorize, delivered into review by billing_observe.

DROP FUNCTION inference_admit;

-- Checks what may have changed since the caller looked, holds the money, inserts the prediction and its news.
-- `outcome` is 'admitted' or the reason why not: key_revoked, version_withdrawn, price_changed, above_max_price,
-- insufficient_funds; under an outcome contract also contract_unknown, contract_ended, contract_full. With an
-- idempotency key that was used before it is 'replayed', or 'key_reused' where something else was asked for;
-- `prediction` is then the first one, else the one that was admitted.
-- With a waiter the commit does not wait for the disk: the completion that is awaited comes later in the same log. With
-- an idempotency key it does: whoever repeats the call is told of the prediction before it has ended.
CREATE FUNCTION inference_admit(
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

-- Ends predictions with their results and settles them, only where the attempt is still the current one:
-- [{"id", "attempt", "status", "error", "not_billed", "quantity", "amount", "source", "description", "load_seconds",
--   "run_seconds", "batch_size", "stopped_at_step", "artifacts": [{"id", "position", "sha256", "media_type", "size",
--   "width", "height"}]}, …]. Answers with those that it ended. A node that lost a claim and got it again may bring the
-- results of both attempts at once.
CREATE OR REPLACE FUNCTION inference_complete(p_results jsonb) RETURNS TABLE(id uuid, waiter text, status text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE current_ids uuid[]; charges jsonb; observed uuid[];
BEGIN
  -- From here on p_results has one result for each prediction: that of its current attempt.
  SELECT array_agg(given.id) INTO current_ids FROM jsonb_to_recordset(p_results) AS given(id uuid);
  WITH found AS MATERIALIZED (  -- by the primary key, whatever the state
    SELECT p.id, p.attempt, p.status FROM inference_prediction p WHERE p.id = ANY (current_ids)
    ORDER BY p.id FOR UPDATE
  )
  SELECT array_agg(l.id), jsonb_agg(l.result) INTO current_ids, p_results FROM (
    SELECT p.id, r.result FROM found p
    JOIN (SELECT DISTINCT ON (given.id, given.attempt) given.id, given.attempt, result
          FROM jsonb_array_elements(p_results) AS result, jsonb_to_record(result) AS given(id uuid, attempt int)) r
      ON r.id = p.id AND r.attempt = p.attempt
    WHERE p.status = 'processing') l;
  IF current_ids IS NULL THEN RETURN; END IF;
  -- What was delivered under an outcome contract is settled by its reviewer: the hold stays.
  SELECT coalesce(array_agg(o.outcome), '{}') INTO observed FROM billing_observe((
    SELECT jsonb_agg(jsonb_build_object('id', r.id, 'delivered', r.quantity))
    FROM jsonb_to_recordset(p_results) AS r(id uuid, status text, quantity bigint) WHERE r.status = 'succeeded')) o;
  SELECT coalesce(jsonb_object_agg(s.hold, s.amount), '{}') INTO charges FROM billing_settle((
    SELECT jsonb_agg(jsonb_build_object('hold', r.id, 'source', r.source, 'description', r.description,
                                        'quantity', CASE r.status WHEN 'succeeded' THEN r.quantity ELSE 0 END,
                                        'amount', CASE r.status WHEN 'succeeded' THEN r.amount ELSE 0 END))
    FROM jsonb_to_recordset(p_results) AS r(id uuid, status text, source text, description text, quantity bigint,
                                            amount bigint) WHERE r.id <> ALL (observed))) s;
  charges := charges || coalesce((SELECT jsonb_object_agg(o.id, 0) FROM unnest(observed) AS o(id)), '{}');
  INSERT INTO inference_artifact(id, prediction_id, position, sha256, media_type, size, width, height)
    SELECT a.id, r.id, a.position, a.sha256, a.media_type, a.size, a.width, a.height
    FROM jsonb_to_recordset(p_results) AS r(id uuid, artifacts jsonb),
         jsonb_to_recordset(r.artifacts) AS a(id uuid, position smallint, sha256 text, media_type text, size bigint,
                                              width int, height int);
  INSERT INTO core_outboxevent(topic, payload)
    SELECT 'prediction.completed', jsonb_build_object('id', p.id, 'model', p.model_id, 'status', r.status)
    FROM inference_prediction p JOIN jsonb_to_recordset(p_results) AS r(id uuid, status text) ON r.id = p.id
    WHERE p.id = ANY (current_ids);
  RETURN QUERY
    UPDATE inference_prediction p
      SET status = r.status, error = r.error, load_seconds = r.load_seconds, run_seconds = r.run_seconds,
          batch_size = r.batch_size, stopped_at_step = r.stopped_at_step, completed_at = clock_timestamp(),
          lease_until = NULL, amount_charged = coalesce((charges ->> p.id::text)::bigint, 0),
          not_billed = CASE WHEN charges ? p.id::text OR r.not_billed <> '' THEN r.not_billed
                            ELSE 'the hold had expired before the result came' END
      FROM jsonb_to_recordset(p_results) AS r(id uuid, status text, error text, not_billed text, load_seconds float8,
             run_seconds float8, batch_size int, stopped_at_step int)
      WHERE p.id = r.id AND p.id = ANY (current_ids)
      RETURNING p.id, p.waiter::text, p.status::text;
END $$;
