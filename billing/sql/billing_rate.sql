-- Micro-units for a quantity (parts of the unit) at this amount for one unit, rounded half up, exactly; p_factor_bps is a
-- multiple of the price in basis points. `billing.pricing.domain.rate` computes the same in Python. What cannot be rated
-- is refused (billing_cannot_rate). An expression alone, so that PostgreSQL makes it part of the statement that calls it.
CREATE OR REPLACE FUNCTION billing_rate(p_amount bigint, p_unit text, p_quantity bigint, p_factor_bps bigint DEFAULT 10000)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN p_quantity >= 0 AND p_factor_bps >= 0 AND p_amount::numeric * p_quantity * p_factor_bps
           < 9223372036854775807.5 * 10000 * billing_unit_parts(p_unit)  -- what rounds to the greatest bigint at most
    THEN div(2 * p_amount::numeric * p_quantity * p_factor_bps + 10000::numeric * billing_unit_parts(p_unit),
             20000::numeric * billing_unit_parts(p_unit))::bigint
    ELSE billing_cannot_rate(p_amount, p_unit, p_quantity, p_factor_bps) END
$$;
