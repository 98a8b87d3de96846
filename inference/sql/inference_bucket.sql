-- The bucket of a histogram that a duration in seconds falls into: bucket n holds what is more than 1.08^(n-1) and at most
-- 1.08^n seconds. The first and the last also hold what is beyond them: up to 0.1 milliseconds, and from 2.4 days.
CREATE OR REPLACE FUNCTION inference_bucket(p_seconds float8) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
  SELECT least(greatest(ceil(ln(greatest(p_seconds, 1e-9)) / ln(1.08::float8)), -119), 160)::smallint
$$;
