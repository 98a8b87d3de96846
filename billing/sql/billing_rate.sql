-- Micro-units for a quantity (parts of the unit) at this amount for one unit, rounded half up, exactly; p_factor_bps is a
-- multiple of the price in basis points. `billing.pricing.domain.rate` computes the same in Python. What no account could
-- hold is refused with numeric_value_out_of_range, a negative quantity or factor, or no unit, with BO422.
CREATE OR REPLACE FUNCTION billing_rate(p_amount bigint, p_unit text, p_quantity bigint, p_factor_bps bigint DEFAULT 10000)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE divisor numeric := billing_unit_parts(p_unit)::numeric * 10000; amount numeric;
BEGIN
  IF divisor IS NULL THEN
    RAISE EXCEPTION 'there is no unit "%"', p_unit USING ERRCODE = 'BO422';
  END IF;
  IF p_amount IS NULL OR p_quantity IS NULL OR p_factor_bps IS NULL OR p_quantity < 0 OR p_factor_bps < 0 THEN
    RAISE EXCEPTION 'cannot rate a quantity of % by a factor of %', p_quantity, p_factor_bps USING ERRCODE = 'BO422';
  END IF;
  amount := div(2 * p_amount::numeric * p_quantity * p_factor_bps + divisor, 2 * divisor);
  IF amount > 9223372036854775807 THEN
    RAISE EXCEPTION '% cost more than any account can hold', billing_quantity_text(p_unit, p_quantity)
      USING ERRCODE = 'numeric_value_out_of_range';
  END IF;
  RETURN amount::bigint;
END $$;
