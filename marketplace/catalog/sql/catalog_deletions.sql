-- A word, and what it is without one of its letters.
CREATE OR REPLACE FUNCTION catalog_deletions(p_word text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT array_agg(DISTINCT left(p_word, i - 1) || substr(p_word, i + 1)) || p_word
  FROM generate_series(1, length(p_word)) i
$$;
