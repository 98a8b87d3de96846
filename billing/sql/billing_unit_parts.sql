-- How many parts make one unit; quantities count parts. Null for what is no unit. An expression alone, so that PostgreSQL
-- makes it part of the statement that calls it.
CREATE OR REPLACE FUNCTION billing_unit_parts(p_unit text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_unit WHEN 'image' THEN 1 WHEN 'request' THEN 1 WHEN 'kilotoken' THEN 1000
    WHEN 'megapixel' THEN 1000000 WHEN 'megapixel_step' THEN 1000000 WHEN 'device_second' THEN 1000000
    WHEN 'video_second' THEN 705600000 WHEN 'audio_second' THEN 705600000 END::bigint
$$;
