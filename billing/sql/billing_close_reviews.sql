-- Ends outcomes whose review window is over; silence lets the money go. Answers with how many.
CREATE OR REPLACE FUNCTION billing_close_reviews(p_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE due uuid[];
BEGIN
  SELECT array_agg(o.id) INTO due FROM (
    SELECT id FROM billing_outcome WHERE state = 'observing' AND review_until <= now()
    ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED) o;
  RETURN billing_conclude(due);
END $$;
