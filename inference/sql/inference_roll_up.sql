-- Makes the statistics of the hours from p_from until before p_to (both whole hours) what the predictions say that ended
-- in them, and answers with the models of which that changed a row. It may run again and at once with itself: calls take
-- turns, and each reads what is committed when its turn comes (the transaction must be READ COMMITTED). So what was not
-- committed yet in one call is counted by the next one for its hour.
CREATE OR REPLACE FUNCTION inference_roll_up(p_from timestamptz, p_to timestamptz, p_recent int) RETURNS SETOF uuid
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('inference_roll_up', 0));
  RETURN QUERY WITH ended AS MATERIALIZED (
    -- Artifacts are counted one prediction at a time, so that their index finds them however many there are.
    SELECT p.id, p.model_id, date_trunc('hour', p.completed_at, 'UTC') AS hour, p.completed_at, p.status,
           CASE p.status WHEN 'succeeded' THEN p.run_seconds END AS run,
           CASE p.status WHEN 'succeeded' THEN extract(epoch FROM p.started_at - p.created_at)::float8 END AS queue,
           (SELECT count(*) FROM inference_artifact a WHERE a.prediction_id = p.id) AS artifacts
    FROM inference_prediction p WHERE p.completed_at >= p_from AND p.completed_at < p_to
  ), runs AS (
    SELECT model_id, hour, array_agg(bucket ORDER BY bucket) AS buckets, array_agg(total ORDER BY bucket) AS counts FROM (
      SELECT model_id, hour, inference_bucket(run) AS bucket, count(*)::int AS total FROM ended WHERE run IS NOT NULL
      GROUP BY 1, 2, 3) b GROUP BY 1, 2
  ), queues AS (
    SELECT model_id, hour, array_agg(bucket ORDER BY bucket) AS buckets, array_agg(total ORDER BY bucket) AS counts FROM (
      SELECT model_id, hour, inference_bucket(queue) AS bucket, count(*)::int AS total FROM ended WHERE queue IS NOT NULL
      GROUP BY 1, 2, 3) b GROUP BY 1, 2
  ), counted AS (
    SELECT model_id, hour, count(*) FILTER (WHERE status = 'succeeded') AS succeeded,
           count(*) FILTER (WHERE status = 'failed') AS failed, count(*) FILTER (WHERE status = 'canceled') AS canceled,
           sum(artifacts) AS artifacts,
           (array_agg(run ORDER BY completed_at DESC, id DESC) FILTER (WHERE run IS NOT NULL))[1:p_recent] AS recent
    FROM ended GROUP BY 1, 2
  ), gone AS (
    DELETE FROM inference_modelhour m
    WHERE m.hour >= p_from AND m.hour < p_to
      AND NOT EXISTS (SELECT FROM counted c WHERE c.model_id = m.model_id AND c.hour = m.hour)
    RETURNING m.model_id
  ), written AS (
    INSERT INTO inference_modelhour AS m(hour, model_id, succeeded, failed, canceled, artifacts, run_buckets, run_counts,
                                         queue_buckets, queue_counts, recent_seconds)
      SELECT c.hour, c.model_id, c.succeeded, c.failed, c.canceled, c.artifacts, coalesce(r.buckets, '{}'),
             coalesce(r.counts, '{}'), coalesce(q.buckets, '{}'), coalesce(q.counts, '{}'), coalesce(c.recent, '{}')
      FROM counted c LEFT JOIN runs r USING (model_id, hour) LEFT JOIN queues q USING (model_id, hour)
    ON CONFLICT (hour, model_id) DO UPDATE
      SET succeeded = excluded.succeeded, failed = excluded.failed, canceled = excluded.canceled,
          artifacts = excluded.artifacts, run_buckets = excluded.run_buckets, run_counts = excluded.run_counts,
          queue_buckets = excluded.queue_buckets, queue_counts = excluded.queue_counts,
          recent_seconds = excluded.recent_seconds
      WHERE m IS DISTINCT FROM excluded
    RETURNING m.model_id
  )
  SELECT model_id FROM gone UNION SELECT model_id FROM written;
END $$;
