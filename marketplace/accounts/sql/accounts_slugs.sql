-- Organisations by their names in addresses.
CREATE OR REPLACE VIEW accounts_slugs WITH (security_invoker = true) AS
  SELECT id AS organization_id, slug FROM accounts_organization;
