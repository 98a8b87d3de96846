-- History stays: not even the owner changes or deletes it by accident.
CREATE OR REPLACE FUNCTION billing_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: post a correcting transaction instead', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER billing_transaction_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_transaction
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE OR REPLACE TRIGGER billing_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_entry
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE OR REPLACE TRIGGER billing_usagerecord_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_usagerecord
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE OR REPLACE TRIGGER billing_price_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_price
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE OR REPLACE TRIGGER billing_hold_keep BEFORE DELETE OR TRUNCATE ON billing_hold
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE OR REPLACE TRIGGER billing_outcomeoffer_keep BEFORE DELETE OR TRUNCATE ON billing_outcomeoffer
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE OR REPLACE TRIGGER billing_outcomecontract_keep BEFORE DELETE OR TRUNCATE ON billing_outcomecontract
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE OR REPLACE TRIGGER billing_signal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_signal
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE OR REPLACE TRIGGER billing_outcome_keep BEFORE DELETE OR TRUNCATE ON billing_outcome
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE OR REPLACE TRIGGER billing_gatewayevent_keep BEFORE DELETE OR TRUNCATE ON billing_gatewayevent
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE OR REPLACE TRIGGER billing_unmeteredusage_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_unmeteredusage
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
