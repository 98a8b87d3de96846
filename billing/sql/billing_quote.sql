-- Micro-units for a quantity (parts of the price's unit) under this version of a price, where it is the one in effect for
-- the sku now; else null.
CREATE OR REPLACE FUNCTION billing_quote(p_sku text, p_price bigint, p_quantity bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT CASE id WHEN p_price THEN billing_rate(amount, unit, p_quantity) END FROM billing_price
  WHERE sku = p_sku AND effective_from <= now() ORDER BY version DESC LIMIT 1
$$;
