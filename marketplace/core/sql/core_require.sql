-- The document, unless it lacks one of these keys or has null for one whose null means nothing: SQLSTATE BO422.
CREATE OR REPLACE FUNCTION core_require(p_document jsonb, p_keys text[], p_nullable text[] DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE missing text;
BEGIN
  IF jsonb_typeof(p_document) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'a document is needed, with "%"', p_keys[1] USING ERRCODE = 'BO422';
  END IF;
  IF p_document ?& (p_keys || p_nullable) AND NOT jsonb_path_exists(p_document, '$.* ? (@ == null)') THEN
    RETURN p_document;  -- the common case; any null takes a closer look
  END IF;
  SELECT key INTO missing FROM unnest(p_keys || p_nullable) AS key
    WHERE NOT p_document ? key OR (p_document -> key = 'null' AND key <> ALL (p_nullable)) LIMIT 1;
  IF missing IS NULL THEN RETURN p_document; END IF;
  RAISE EXCEPTION 'the document lacks "%"', missing USING ERRCODE = 'BO422';
END $$;
