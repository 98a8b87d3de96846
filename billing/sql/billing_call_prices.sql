-- A version of a price as a call's receipt tells it, with the hash of the outcome contract that it belongs to, if to one.
CREATE OR REPLACE VIEW billing_call_prices WITH (security_invoker = true) AS
  SELECT p.id AS price_id, p.version AS price_version, p.amount AS unit_amount, p.unit, p.currency,
         f.hash AS contract_hash
  FROM billing_price p LEFT JOIN billing_outcomeoffer f ON f.price_id = p.id;
