-- What a call's settlement was for, in whole parts of its price's unit; its id is that of the call's hold.
CREATE OR REPLACE VIEW billing_call_usage WITH (security_invoker = true) AS
  SELECT hold_id AS id, quantity AS quantity_charged FROM billing_usagerecord;
