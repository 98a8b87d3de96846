-- What a gateway said stays as it said it; what became of it may change.
CREATE OR REPLACE FUNCTION billing_guard_gateway_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.gateway, NEW.type, NEW.body, NEW.received_at) IS DISTINCT FROM
     (OLD.id, OLD.gateway, OLD.type, OLD.body, OLD.received_at) THEN
    RAISE EXCEPTION 'event % stays as it came', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER billing_gatewayevent_guard BEFORE UPDATE ON billing_gatewayevent
  FOR EACH ROW EXECUTE FUNCTION billing_guard_gateway_event();
