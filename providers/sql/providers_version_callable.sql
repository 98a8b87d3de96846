-- Whether a version takes new calls; admission asks in the same statement that holds the money.
CREATE OR REPLACE FUNCTION providers_version_callable(p_version text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM providers_modelversion
                 WHERE id = p_version AND state = 'passed' AND withdrawn_at IS NULL)
$$;
