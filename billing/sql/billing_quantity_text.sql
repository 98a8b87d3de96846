-- A quantity as people read it, to three digits where it is no whole number of units: `2 images`, `1.05 megapixels`.
-- `billing.pricing.domain.quantity_text` says the same in Python.
CREATE OR REPLACE FUNCTION billing_quantity_text(p_unit text, p_quantity bigint) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  parts bigint := billing_unit_parts(p_unit);
  units numeric := p_quantity::numeric / parts;
  number text := CASE
    WHEN units >= 100 OR p_quantity % parts = 0 THEN to_char(round(units), 'FM9,999,999,999,999,999,990')
    ELSE trim_scale(round(units, CASE WHEN units >= 10 THEN 1 WHEN units >= 1 THEN 2 WHEN units >= 0.1 THEN 3
                                      WHEN units >= 0.01 THEN 4 WHEN units >= 0.001 THEN 5 ELSE 6 END))::text END;
BEGIN
  RETURN number || ' ' || CASE p_unit
    WHEN 'video_second' THEN CASE number WHEN '1' THEN 'second' ELSE 'seconds' END || ' of video'
    WHEN 'audio_second' THEN CASE number WHEN '1' THEN 'second' ELSE 'seconds' END || ' of sound'
    WHEN 'kilotoken' THEN 'thousand tokens'
    WHEN 'megapixel_step' THEN 'megapixel-step' || CASE number WHEN '1' THEN '' ELSE 's' END
    ELSE replace(p_unit, '_', ' ') || CASE number WHEN '1' THEN '' ELSE 's' END END;
END $$;
