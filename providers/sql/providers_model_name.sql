-- What people call a model: `owner/name`.
CREATE OR REPLACE FUNCTION providers_model_name(p_model uuid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT o.slug || '/' || m.name
  FROM providers_generativemodel m JOIN accounts_organization o ON o.id = m.organization_id WHERE m.id = p_model
$$;
