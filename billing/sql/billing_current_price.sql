-- The price version now in effect.
CREATE OR REPLACE FUNCTION billing_current_price(p_sku text) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT id FROM billing_price WHERE sku = p_sku AND effective_from <= now() ORDER BY version DESC LIMIT 1
$$;
