-- Micro-units for a quantity (parts of the price's unit) under one version of a price; null where there is none.
CREATE OR REPLACE FUNCTION billing_quote(p_price bigint, p_quantity bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT billing_rate(amount, unit, p_quantity) FROM billing_price WHERE id = p_price
$$;
