-- Micro-units for a quantity (parts of the price's unit) under this version of a price, where it is the one in effect for
-- the sku now; else null.
CREATE OR REPLACE FUNCTION billing_quote(p_sku text, p_price bigint, p_quantity bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE current billing_price;
BEGIN
  SELECT * INTO current FROM billing_price
    WHERE sku = p_sku AND effective_from <= now() ORDER BY version DESC LIMIT 1;
  IF current.id IS DISTINCT FROM p_price THEN RETURN NULL; END IF;
  RETURN billing_rate(current.amount, current.unit, p_quantity);
END $$;
