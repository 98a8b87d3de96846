-- Makes the figures of these models what their hours say, counts of all hours and the rest of those from p_window on, and
-- then the market's totals. Percentiles are those of percentile_disc (the nearest rank) over the buckets. Answers with the
-- models whose figures changed. It takes turns with inference_roll_up, as that writes the hours.
CREATE OR REPLACE FUNCTION inference_refresh_stats(p_models uuid[], p_window timestamptz, p_recent int) RETURNS SETOF uuid
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('inference_roll_up', 0));
  RETURN QUERY
  WITH ever AS (
    SELECT wanted.model_id, coalesce(sum(h.succeeded), 0) AS runs, coalesce(sum(h.artifacts), 0) AS artifacts
    FROM unnest(p_models) AS wanted(model_id) LEFT JOIN inference_modelhour h USING (model_id) GROUP BY 1
  ), recent AS MATERIALIZED (
    SELECT h.* FROM inference_modelhour h WHERE h.model_id = ANY (p_models) AND h.hour >= p_window
  ), counted AS (
    SELECT model_id, sum(succeeded + failed) AS ended, sum(succeeded)::float8 / nullif(sum(succeeded + failed), 0) AS rate,
           min(hour) AS oldest_hour
    FROM recent GROUP BY 1
  ), buckets AS (
    SELECT r.model_id, 'run' AS kind, b.bucket, sum(b.total) AS total
    FROM recent r, unnest(r.run_buckets, r.run_counts) AS b(bucket, total) GROUP BY 1, 3
    UNION ALL
    SELECT r.model_id, 'queue', b.bucket, sum(b.total)
    FROM recent r, unnest(r.queue_buckets, r.queue_counts) AS b(bucket, total) GROUP BY 1, 3
  ), ranked AS (
    SELECT model_id, kind, bucket, sum(total) OVER (PARTITION BY model_id, kind ORDER BY bucket)::float8 AS rank,
           sum(total) OVER (PARTITION BY model_id, kind)::float8 AS total
    FROM buckets
  ), percentiles AS (
    SELECT model_id,
           inference_bucket_seconds(min(bucket) FILTER (WHERE kind = 'run' AND rank >= 0.5 * total)) AS run_50,
           inference_bucket_seconds(min(bucket) FILTER (WHERE kind = 'run' AND rank >= 0.95 * total)) AS run_95,
           inference_bucket_seconds(min(bucket) FILTER (WHERE kind = 'queue' AND rank >= 0.5 * total)) AS queue_50,
           inference_bucket_seconds(min(bucket) FILTER (WHERE kind = 'queue' AND rank >= 0.95 * total)) AS queue_95
    FROM ranked GROUP BY 1
  ), latest AS (
    SELECT e.model_id, l.seconds FROM ever e, LATERAL (
      SELECT array_agg(n.seconds ORDER BY n.hour, n.place DESC) AS seconds FROM (
        SELECT h.hour, s.place, s.seconds
        FROM (SELECT r.hour, r.recent_seconds FROM inference_modelhour r  -- by its index, not among those of all models
              WHERE r.model_id = e.model_id AND r.hour >= p_window AND r.recent_seconds <> '{}'
              ORDER BY r.hour DESC LIMIT p_recent) h,
             unnest(h.recent_seconds) WITH ORDINALITY AS s(seconds, place)
        ORDER BY h.hour DESC, s.place LIMIT p_recent) n) l
  )
  INSERT INTO inference_modelstats AS s(model_id, runs, artifacts, ended, success_rate, p50_run_seconds, p95_run_seconds,
                                        p50_queue_seconds, p95_queue_seconds, recent_seconds, oldest_hour, updated_at)
    SELECT e.model_id, e.runs, e.artifacts, coalesce(c.ended, 0), c.rate, p.run_50, p.run_95, p.queue_50, p.queue_95,
           coalesce(l.seconds, '{}'), c.oldest_hour, now()
    FROM ever e LEFT JOIN counted c USING (model_id) LEFT JOIN percentiles p USING (model_id) LEFT JOIN latest l USING (model_id)
  ON CONFLICT (model_id) DO UPDATE
    SET runs = excluded.runs, artifacts = excluded.artifacts, ended = excluded.ended, success_rate = excluded.success_rate,
        p50_run_seconds = excluded.p50_run_seconds, p95_run_seconds = excluded.p95_run_seconds,
        p50_queue_seconds = excluded.p50_queue_seconds, p95_queue_seconds = excluded.p95_queue_seconds,
        recent_seconds = excluded.recent_seconds, oldest_hour = excluded.oldest_hour, updated_at = excluded.updated_at
    WHERE (s.runs, s.artifacts, s.ended, s.success_rate, s.p50_run_seconds, s.p95_run_seconds, s.p50_queue_seconds,
           s.p95_queue_seconds, s.recent_seconds, s.oldest_hour)
      IS DISTINCT FROM (excluded.runs, excluded.artifacts, excluded.ended, excluded.success_rate, excluded.p50_run_seconds,
                        excluded.p95_run_seconds, excluded.p50_queue_seconds, excluded.p95_queue_seconds,
                        excluded.recent_seconds, excluded.oldest_hour)
  RETURNING s.model_id;
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO inference_markettotals AS t(id, predictions, artifacts)
    SELECT 1, coalesce(sum(s.runs), 0), coalesce(sum(s.artifacts), 0) FROM inference_modelstats s
    ON CONFLICT (id) DO UPDATE SET predictions = excluded.predictions, artifacts = excluded.artifacts
      WHERE t IS DISTINCT FROM excluded;
END $$;
