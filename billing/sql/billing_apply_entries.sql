-- Entries: each transaction sums to zero, and balances follow from entries alone.
CREATE OR REPLACE FUNCTION billing_apply_entries() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM billing_entry WHERE transaction_id = ANY (ARRAY(SELECT transaction_id FROM fresh))
             GROUP BY transaction_id, currency HAVING sum(amount) <> 0) THEN
    RAISE EXCEPTION 'the entries of a transaction must sum to zero in each currency' USING ERRCODE = 'check_violation';
  END IF;
  PERFORM FROM billing_account WHERE id IN (SELECT account_id FROM fresh) ORDER BY id FOR NO KEY UPDATE;
  UPDATE billing_account a SET posted = a.posted + d.delta
    FROM (SELECT account_id, sum(amount) AS delta FROM fresh GROUP BY account_id) d WHERE a.id = d.account_id;
  IF EXISTS (SELECT FROM fresh JOIN billing_account a ON a.id = fresh.account_id WHERE a.currency <> fresh.currency) THEN
    RAISE EXCEPTION 'an entry must be in the currency of its account' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER billing_entry_apply AFTER INSERT ON billing_entry
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION billing_apply_entries();
