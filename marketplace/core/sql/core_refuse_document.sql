-- Says why core_require refuses a document: SQLSTATE BO422.
CREATE OR REPLACE FUNCTION core_refuse_document(p_document jsonb, p_keys text[], p_nullable text[], p_schema int)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE missing text;
BEGIN
  IF jsonb_typeof(p_document) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'a document is needed, with "%"', p_keys[1] USING ERRCODE = 'BO422';
  END IF;
  SELECT key INTO missing FROM unnest(p_keys || p_nullable) AS key
    WHERE NOT p_document ? key OR (p_document -> key = 'null' AND key <> ALL (p_nullable)) LIMIT 1;
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'the document lacks "%"', missing USING ERRCODE = 'BO422';
  END IF;
  RAISE EXCEPTION 'the document has schema %, and % is understood', p_document -> 'schema', p_schema
    USING ERRCODE = 'BO422';
END $$;
