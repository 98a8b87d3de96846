-- Deletes a model with its versions, which the serving role itself may not: files of versions are never rewritten.
-- Raises foreign_key_violation where anything else still names one of them, for example a listing or a prediction.
CREATE OR REPLACE FUNCTION providers_delete_model(p_model uuid) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  -- Model, versions, then their rows: in this order everything else locks them too.
  PERFORM FROM providers_generativemodel WHERE id = p_model FOR UPDATE;
  PERFORM FROM providers_modelversion WHERE model_id = p_model ORDER BY id FOR UPDATE;
  DELETE FROM providers_versioncheck WHERE version_id IN (SELECT id FROM providers_modelversion WHERE model_id = p_model);
  DELETE FROM providers_versionfile WHERE version_id IN (SELECT id FROM providers_modelversion WHERE model_id = p_model);
  DELETE FROM providers_modelversion WHERE model_id = p_model;
  DELETE FROM providers_generativemodel WHERE id = p_model;
  SET CONSTRAINTS ALL IMMEDIATE;
  SET CONSTRAINTS ALL DEFERRED;
END $$;
