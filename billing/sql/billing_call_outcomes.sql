-- Where a call under an outcome contract stands; its id is that of the call's hold.
CREATE OR REPLACE VIEW billing_call_outcomes WITH (security_invoker = true) AS
  SELECT id, state AS outcome, amount AS outcome_amount, delivered, accepted, rejected, review_until FROM billing_outcome;
