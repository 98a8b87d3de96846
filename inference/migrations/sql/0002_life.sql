-- The life of a prediction: admit, claim, complete, cancel, take back. Each is one statement, whoever sends it. Locks
-- are taken in one order: predictions, then (inside billing's functions) holds, then accounts.

-- Every prediction is updated twice or more and passes through two partial indexes: keep room and statistics.
ALTER TABLE inference_prediction SET (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000);
ALTER TABLE core_outboxevent SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000);

-- Checks what may have changed since the caller looked, holds the money, inserts the prediction and its news.
-- Answers 'admitted', or the reason why not: key_revoked, version_withdrawn, price_changed, insufficient_funds.
-- With a waiter the commit does not wait for the disk: the completion that is awaited comes later in the same log.
CREATE FUNCTION inference_admit(
  p_id uuid, p_organization uuid, p_key uuid, p_user uuid, p_model uuid, p_version text, p_sku text, p_price bigint,
  p_quantity int, p_amount bigint, p_input jsonb, p_batch_key text, p_origin text, p_waiter text, p_hold_hours int
) RETURNS text LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE held text;
BEGIN
  IF p_key IS NOT NULL AND NOT accounts_key_valid(p_key, p_organization) THEN RETURN 'key_revoked'; END IF;
  IF NOT providers_version_callable(p_version) THEN RETURN 'version_withdrawn'; END IF;
  IF billing_current_price(p_sku) IS DISTINCT FROM p_price THEN RETURN 'price_changed'; END IF;
  IF p_waiter IS NOT NULL THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
  held := billing_hold(p_id, p_organization::text, p_price, p_amount, now() + make_interval(hours => p_hold_hours));
  IF held <> 'held' THEN RETURN held; END IF;
  INSERT INTO inference_prediction(id, organization_id, api_key_id, user_id, model_id, version_id, origin, status, input,
                                   batch_key, price_id, quantity, amount_held, waiter)
    VALUES (p_id, p_organization, p_key, p_user, p_model, p_version, p_origin, 'starting', p_input,
            p_batch_key, p_price, p_quantity, p_amount, p_waiter);
  INSERT INTO core_outboxevent(topic, payload, due_at)
    VALUES ('prediction.admitted', jsonb_build_object('version', p_version), now() + interval '2 seconds');
  RETURN 'admitted';
END $$;

-- Gives a node the oldest waiting prediction of a version that nobody else is claiming, and others that may run in one
-- batch with it. `more` says whether further ones wait. Not durable at once: a lost claim is only claimed again.
CREATE FUNCTION inference_claim(p_node text, p_device text, p_version text, p_limit int, p_lease_seconds int)
RETURNS TABLE(id uuid, attempt int, input jsonb, price bigint, quantity int, waiter text, more boolean)
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

-- Ends predictions with their results and settles them, only where the attempt is still the current one:
-- [{"id", "attempt", "status", "error", "not_billed", "quantity", "amount", "source", "description", "load_seconds",
--   "run_seconds", "batch_size", "stopped_at_step", "artifacts": [{"id", "position", "sha256", "media_type", "size",
--   "width", "height"}]}, …]. Answers with those that it ended. A node that lost a claim and got it again may bring the
-- results of both attempts at once.
CREATE FUNCTION inference_complete(p_results jsonb) RETURNS TABLE(id uuid, waiter text, status text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE current_ids uuid[]; charges jsonb;
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
  SELECT coalesce(jsonb_object_agg(s.hold, s.amount), '{}') INTO charges FROM billing_settle((
    SELECT jsonb_agg(jsonb_build_object('hold', r.id, 'source', r.source, 'description', r.description,
                                        'quantity', CASE r.status WHEN 'succeeded' THEN r.quantity ELSE 0 END,
                                        'amount', CASE r.status WHEN 'succeeded' THEN r.amount ELSE 0 END))
    FROM jsonb_to_recordset(p_results) AS r(id uuid, status text, source text, description text, quantity bigint,
                                            amount bigint))) s;
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

-- Cancels on behalf of the buyer. Answers with the status after it and the node that still works on it, if one does.
CREATE FUNCTION inference_cancel(p_id uuid, p_organization uuid, p_not_billed text)
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

-- Takes claimed predictions back from a node that restarted (p_node), or all whose lease has run out (p_node is null).
-- They wait again, unless they were tried too often or their buyer canceled: those end and cost nothing.
CREATE FUNCTION inference_take_back(p_node text, p_most_attempts int, p_error text, p_failed_free text, p_canceled_free text)
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

-- Ends predictions that no node took up in time, before their holds expire: they fail and cost nothing.
CREATE FUNCTION inference_give_up(p_hours int, p_error text, p_not_billed text)
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
