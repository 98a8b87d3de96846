-- Refuses a document of another schema than this one, or one that lacks a key (core_require): SQLSTATE BO422. Keys that
-- are not named here are left to the caller, who ignores what it does not know.
CREATE OR REPLACE FUNCTION core_require_document(p_document jsonb, p_schema int, p_keys text[],
                                                 p_nullable text[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM core_require(p_document, ARRAY['schema']);
  IF p_document -> 'schema' <> to_jsonb(p_schema) THEN
    RAISE EXCEPTION 'the document has schema %, and % is understood', p_document -> 'schema', p_schema
      USING ERRCODE = 'BO422';
  END IF;
  PERFORM core_require(p_document, p_keys, p_nullable);
END $$;
