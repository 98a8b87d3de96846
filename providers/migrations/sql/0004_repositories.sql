-- Versions from before there were steps had passed all checks, or they would not exist.
UPDATE providers_modelversion v
  SET state = 'passed', card = m.card, description = m.description, license = m.license
  FROM providers_generativemodel m WHERE m.id = v.model_id;

-- Whoever published a file had brought it.
INSERT INTO providers_namespaceblob(organization_id, blob_id)
  SELECT DISTINCT m.organization_id, f.blob_id
  FROM providers_versionfile f
  JOIN providers_modelversion v ON v.id = f.version_id
  JOIN providers_generativemodel m ON m.id = v.model_id
  ON CONFLICT DO NOTHING;

-- Whether a version takes new calls; admission asks in the same statement that holds the money.
CREATE OR REPLACE FUNCTION providers_version_callable(p_version text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM providers_modelversion
                 WHERE id = p_version AND state = 'passed' AND withdrawn_at IS NULL)
$$;

-- Deletes a model with its versions, which the serving role itself may not: files of versions are never rewritten.
-- Raises foreign_key_violation where anything else still names one of them, for example a listing or a prediction.
CREATE FUNCTION providers_delete_model(p_model uuid) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM FROM providers_generativemodel WHERE id = p_model FOR UPDATE;
  DELETE FROM providers_versioncheck WHERE version_id IN (SELECT id FROM providers_modelversion WHERE model_id = p_model);
  DELETE FROM providers_versionfile WHERE version_id IN (SELECT id FROM providers_modelversion WHERE model_id = p_model);
  DELETE FROM providers_modelversion WHERE model_id = p_model;
  DELETE FROM providers_generativemodel WHERE id = p_model;
  SET CONSTRAINTS ALL IMMEDIATE;
  SET CONSTRAINTS ALL DEFERRED;
END $$;
