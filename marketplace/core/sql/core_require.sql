-- The document, unless it lacks one of these keys, has null for one whose null means nothing, or has another schema than
-- this one, where one is given (core_refuse_document). Keys that are not named are left to the caller, who ignores what it
-- does not know. An expression alone, so that PostgreSQL makes it part of the statement that calls it.
CREATE OR REPLACE FUNCTION core_require(p_document jsonb, p_keys text[], p_nullable text[] DEFAULT '{}',
                                        p_schema int DEFAULT NULL) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN jsonb_typeof(p_document) = 'object' AND jsonb_strip_nulls(p_document) ?& p_keys AND p_document ?& p_nullable
         AND (p_schema IS NULL OR p_document -> 'schema' = p_schema::text::jsonb)
    THEN p_document
    ELSE core_refuse_document(p_document, p_keys, p_nullable, p_schema) END
$$;
