-- Offers and contracts are for good. They only end, once.
CREATE OR REPLACE FUNCTION billing_guard_agreement() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ending text[] := ARRAY['ended_at', 'ended_by_id', 'ended_for'];
BEGIN
  IF OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL OR to_jsonb(NEW) - ending <> to_jsonb(OLD) - ending THEN
    RAISE EXCEPTION '% % can only end, once: agree on a new version instead', TG_TABLE_NAME, OLD.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER billing_outcomeoffer_guard BEFORE UPDATE ON billing_outcomeoffer
  FOR EACH ROW EXECUTE FUNCTION billing_guard_agreement();
CREATE OR REPLACE TRIGGER billing_outcomecontract_guard BEFORE UPDATE ON billing_outcomecontract
  FOR EACH ROW EXECUTE FUNCTION billing_guard_agreement();
