-- Ends predictions with their results and settles them, only where the attempt is still the current one. The document has
-- schema 1: {"schema", "results": [{"id", "attempt", "status", "quantities", "source", "error",
-- "not_billed_reason", "load_seconds", "run_seconds", "batch_size", "stopped_at_step", "artifacts": [{"id", "position",
-- "sha256", "media_type", "size", "width", "height"}], "value"}, …]}. "quantities" is what was delivered or used, in parts
-- of each unit (billing_delivered). The first five are required, a missing one is refused with SQLSTATE BO422; unknown keys are
-- ignored. Answers with those that it ended. A node that lost a claim and got it again may bring the results of both
-- attempts at once.
CREATE OR REPLACE FUNCTION inference_complete(p jsonb) RETURNS TABLE(id uuid, waiter text, status text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE p_results jsonb; current_ids uuid[]; charges jsonb; observed uuid[];
BEGIN
  IF jsonb_typeof(p) = 'array' THEN p := inference_results_0_1_0(p); END IF;  -- a node of 0.1.0
  p_results := core_require(p, ARRAY['schema', 'results'], p_schema => 1) -> 'results';
  PERFORM core_require(r, ARRAY['id', 'attempt', 'status', 'quantities', 'source'])
    FROM jsonb_array_elements(p_results) AS r;
  -- From here on p_results has one result for each prediction, that of its current attempt, with what was admitted.
  SELECT array_agg(given.id) INTO current_ids FROM jsonb_to_recordset(p_results) AS given(id uuid);
  WITH found AS MATERIALIZED (  -- by the primary key, whatever the state
    SELECT p.id, p.attempt, p.status, p.quantity, p.version_id FROM inference_prediction p
    WHERE p.id = ANY (current_ids) ORDER BY p.id FOR UPDATE
  )
  SELECT array_agg(l.id), jsonb_agg(l.result) INTO current_ids, p_results FROM (
    SELECT p.id, r.result || jsonb_build_object('most', p.quantity, 'label', (
             SELECT v.model FROM providers_called_versions v WHERE v.version_id = p.version_id)) AS result
    FROM found p
    JOIN (SELECT DISTINCT ON (given.id, given.attempt) given.id, given.attempt, result
          FROM jsonb_array_elements(p_results) AS result, jsonb_to_record(result) AS given(id uuid, attempt int)) r
      ON r.id = p.id AND r.attempt = p.attempt
    WHERE p.status = 'processing') l;
  IF current_ids IS NULL THEN RETURN; END IF;
  -- What was delivered under an outcome contract is settled by its reviewer: the hold stays.
  SELECT coalesce(array_agg(o.outcome), '{}') INTO observed FROM billing_observe((
    SELECT jsonb_agg(jsonb_build_object('id', r.id, 'quantities', r.quantities))
    FROM jsonb_to_recordset(p_results) AS r(id uuid, status text, quantities jsonb) WHERE r.status = 'succeeded')) o;
  SELECT coalesce(jsonb_object_agg(s.hold, s.amount), '{}') INTO charges FROM billing_settle((
    SELECT jsonb_agg(jsonb_build_object('hold', r.id, 'source', r.source, 'label', r.label, 'most', r.most,
                                        'quantities', CASE r.status WHEN 'succeeded' THEN r.quantities END))
    FROM jsonb_to_recordset(p_results) AS r(id uuid, status text, source text, label text, quantities jsonb, most bigint)
    WHERE r.id <> ALL (observed))) s;
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
      SET status = r.status, error = coalesce(r.error, ''), load_seconds = r.load_seconds, run_seconds = r.run_seconds,
          batch_size = r.batch_size, stopped_at_step = r.stopped_at_step, completed_at = clock_timestamp(),
          lease_until = NULL, amount_charged = coalesce((charges ->> p.id::text)::bigint, 0),
          value = r.value,
          not_billed = CASE WHEN charges ? p.id::text OR r.not_billed_reason <> ''
                          THEN coalesce(r.not_billed_reason, '')
                            ELSE 'the hold had expired before the result came' END
      FROM jsonb_to_recordset(p_results) AS r(id uuid, status text, error text, not_billed_reason text,
             load_seconds float8, run_seconds float8, batch_size int, stopped_at_step int, value jsonb)
      WHERE p.id = r.id AND p.id = ANY (current_ids)
      RETURNING p.id, p.waiter::text, p.status::text;
END $$;
