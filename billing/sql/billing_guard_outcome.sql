-- The only ways through the states. Whatever has ended stays as it ended.
CREATE OR REPLACE FUNCTION billing_guard_outcome() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.state, NEW.state) NOT IN (
       ('authorized', 'observing'), ('authorized', 'voided'), ('observing', 'observing'),
       ('observing', 'settled'), ('observing', 'not_met'), ('observing', 'expired')) THEN
    RAISE EXCEPTION 'outcome % is % and does not become %', OLD.id, OLD.state, NEW.state
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF (NEW.id, NEW.contract_id, NEW.source, NEW.label, NEW.quantity, NEW.created_at) IS DISTINCT FROM
     (OLD.id, OLD.contract_id, OLD.source, OLD.label, OLD.quantity, OLD.created_at)
     OR (OLD.state = 'observing' AND (NEW.delivered, NEW.review_until) IS DISTINCT FROM (OLD.delivered, OLD.review_until))
     OR NEW.accepted < OLD.accepted OR NEW.rejected < OLD.rejected THEN
    RAISE EXCEPTION 'outcome %: what was agreed, delivered and decided stays', OLD.id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER billing_outcome_guard BEFORE UPDATE ON billing_outcome
  FOR EACH ROW EXECUTE FUNCTION billing_guard_outcome();
