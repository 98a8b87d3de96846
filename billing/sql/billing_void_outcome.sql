-- A hold that is let go before anything was delivered takes its outcome with it, whatever the cause.
CREATE OR REPLACE FUNCTION billing_void_outcome() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE billing_outcome SET state = 'voided', amount = 0, resolved_at = now()
    WHERE id = NEW.id AND state = 'authorized';
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER billing_hold_void_outcome AFTER UPDATE OF state ON billing_hold
  FOR EACH ROW WHEN (NEW.state IN ('voided', 'expired')) EXECUTE FUNCTION billing_void_outcome();
