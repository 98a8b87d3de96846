-- What was delivered of a price's unit, in its parts, from quantities of several: {"image": 2, "megapixel": 2097152}.
-- Where the price needs what is not there, or it is no whole number from zero, that is an error (BO422), never zero.
CREATE OR REPLACE FUNCTION billing_delivered(p_quantities jsonb, p_unit text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE told text := p_quantities ->> p_unit;
BEGIN
  IF told IS NULL THEN
    RAISE EXCEPTION 'the quantities lack "%", which the price is for', p_unit USING ERRCODE = 'BO422';
  ELSIF told !~ '^\d{1,18}$' THEN
    RAISE EXCEPTION 'a quantity of "%" is a whole number from zero, not %', p_unit, told USING ERRCODE = 'BO422';
  END IF;
  RETURN told::bigint;
END $$;
