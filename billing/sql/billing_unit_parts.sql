-- How many parts make one unit; quantities count parts. An unknown unit is refused with SQLSTATE BO422.
CREATE OR REPLACE FUNCTION billing_unit_parts(p_unit text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE found_parts bigint;
BEGIN
  SELECT parts INTO found_parts FROM billing_units() WHERE unit = p_unit;
  IF found_parts IS NULL THEN
    RAISE EXCEPTION 'there is no unit "%"', p_unit USING ERRCODE = 'BO422';
  END IF;
  RETURN found_parts;
END $$;
