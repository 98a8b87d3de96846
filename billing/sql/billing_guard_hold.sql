-- A hold resolves once, for at most what was held.
CREATE OR REPLACE FUNCTION billing_guard_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'pending' THEN
    RAISE EXCEPTION 'hold % is % already', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
  END IF;
  IF (NEW.id, NEW.account_id, NEW.price_id, NEW.amount) IS DISTINCT FROM
     (OLD.id, OLD.account_id, OLD.price_id, OLD.amount)
     OR NOT coalesce(NEW.posted_amount BETWEEN 0 AND CASE NEW.state WHEN 'posted' THEN OLD.amount WHEN 'voided' THEN 0
                                                                    WHEN 'expired' THEN 0 END,
                     NEW.state = 'pending' AND NEW.posted_amount IS NULL) THEN
    RAISE EXCEPTION 'hold %: no more than % may be posted', OLD.id, OLD.amount USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER billing_hold_guard BEFORE UPDATE ON billing_hold FOR EACH ROW EXECUTE FUNCTION billing_guard_hold();
