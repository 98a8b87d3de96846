-- What a call's version is to people: its number, and the model's task and name, `owner/name`.
CREATE OR REPLACE VIEW providers_called_versions WITH (security_invoker = true) AS
  SELECT v.id AS version_id, v.number, m.task, o.slug || '/' || m.name AS model
  FROM providers_modelversion v
  JOIN providers_generativemodel m ON m.id = v.model_id
  JOIN accounts_organization o ON o.id = m.organization_id;
