-- What prices may be for one of: its parts, which quantities count, and its name. `billing.pricing.domain.UNITS` says the
-- same in Python.
CREATE OR REPLACE FUNCTION billing_units() RETURNS TABLE(unit text, parts bigint, singular text, plural text)
LANGUAGE sql IMMUTABLE AS $$
  VALUES ('image', 1::bigint, 'image', 'images'),
         ('megapixel', 1000000, 'megapixel', 'megapixels'),
         ('megapixel_step', 1000000, 'megapixel-step', 'megapixel-steps'),
         ('video_second', 705600000, 'second of video', 'seconds of video'),
         ('audio_second', 705600000, 'second of sound', 'seconds of sound'),
         ('kilotoken', 1000, 'thousand tokens', 'thousand tokens'),
         ('device_second', 1000000, 'device second', 'device seconds'),
         ('request', 1, 'request', 'requests')
$$;
