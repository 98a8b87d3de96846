-- Says why billing_rate has no answer: what no account could hold is numeric_value_out_of_range; no unit, a null or a
-- negative quantity or factor is BO422.
CREATE OR REPLACE FUNCTION billing_cannot_rate(p_amount bigint, p_unit text, p_quantity bigint, p_factor_bps bigint)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF billing_unit_parts(p_unit) IS NULL THEN
    RAISE EXCEPTION 'there is no unit "%"', p_unit USING ERRCODE = 'BO422';
  ELSIF p_amount IS NULL OR p_quantity IS NULL OR p_factor_bps IS NULL OR p_quantity < 0 OR p_factor_bps < 0 THEN
    RAISE EXCEPTION 'cannot rate a quantity of % by a factor of %', p_quantity, p_factor_bps USING ERRCODE = 'BO422';
  END IF;
  RAISE EXCEPTION '% cost more than any account can hold', billing_quantity_text(p_unit, p_quantity)
    USING ERRCODE = 'numeric_value_out_of_range';
END $$;
