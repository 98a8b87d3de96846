-- What people call models: `owner/name`.
CREATE OR REPLACE VIEW providers_model_names WITH (security_invoker = true) AS
  SELECT m.id AS model_id, o.slug || '/' || m.name AS name
  FROM providers_generativemodel m JOIN accounts_organization o ON o.id = m.organization_id;
