-- The document, unless it has another schema than this one or lacks a key (core_require): SQLSTATE BO422. Keys that are
-- not named here are left to the caller, who ignores what it does not know.
CREATE OR REPLACE FUNCTION core_require_document(p_document jsonb, p_schema int, p_keys text[],
                                                 p_nullable text[] DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  p_document := core_require(p_document, p_keys || '{schema}', p_nullable);
  IF p_document -> 'schema' <> to_jsonb(p_schema) THEN
    RAISE EXCEPTION 'the document has schema %, and % is understood', p_document -> 'schema', p_schema
      USING ERRCODE = 'BO422';
  END IF;
  RETURN p_document;
END $$;
