-- The geometric middle of a bucket (inference_bucket), in seconds: within 4 % of everything between its limits.
CREATE OR REPLACE FUNCTION inference_bucket_seconds(p_bucket smallint) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
  SELECT power(1.08::float8, p_bucket - 0.5)
$$;
