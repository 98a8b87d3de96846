-- The ledger's own rules. Money moves only through the functions below; they run with the owner's rights, because the
-- serving role may not write the tables. Every function locks holds before accounts, and accounts in order of their ids.
-- Temporary objects come last on their search path, or a caller's temporary table would stand in for a real one.

-- Rows that change with every prediction: room for updates in place, and statistics that keep up. Without them the
-- planner takes a full table for an empty one and reads all of it for each settlement.
ALTER TABLE billing_account SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000);
ALTER TABLE billing_hold SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000);
ALTER TABLE billing_entry SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000);
ALTER TABLE billing_transaction SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000);

-- Entries: each transaction sums to zero, and balances follow from entries alone.
CREATE FUNCTION billing_apply_entries() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
CREATE TRIGGER billing_entry_apply AFTER INSERT ON billing_entry
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION billing_apply_entries();
-- Nobody else may make it the trigger of a table of their own, whose rows it would book.
REVOKE ALL ON FUNCTION billing_apply_entries() FROM PUBLIC;

-- History stays: not even the owner changes or deletes it by accident.
CREATE FUNCTION billing_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: post a correcting transaction instead', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER billing_transaction_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_transaction
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE TRIGGER billing_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_entry
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE TRIGGER billing_usagerecord_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_usagerecord
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE TRIGGER billing_price_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_price
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();

-- A hold resolves once, for at most what was held.
CREATE FUNCTION billing_guard_hold() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER billing_hold_guard BEFORE UPDATE ON billing_hold FOR EACH ROW EXECUTE FUNCTION billing_guard_hold();
CREATE TRIGGER billing_hold_keep BEFORE DELETE OR TRUNCATE ON billing_hold
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();

-- The id of an account, opened if need be. What a buyer prepaid and what a provider is owed never fall below zero.
CREATE FUNCTION billing_account_id(p_owner text, p_kind text, p_currency text, p_shard int DEFAULT 0) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE found_id bigint;
BEGIN
  SELECT id INTO found_id FROM billing_account
    WHERE owner = p_owner AND kind = p_kind AND currency = p_currency AND shard = p_shard;
  IF found_id IS NULL THEN
    INSERT INTO billing_account(owner, kind, currency, shard, posted, held, min_available)
      VALUES (p_owner, p_kind, p_currency, p_shard, 0, 0,
              CASE WHEN p_kind IN ('buyer_prepaid', 'provider_payable') THEN 0 END)
      ON CONFLICT DO NOTHING;
    SELECT id INTO STRICT found_id FROM billing_account
      WHERE owner = p_owner AND kind = p_kind AND currency = p_currency AND shard = p_shard;
  END IF;
  RETURN found_id;
END $$;

-- The price version now in effect.
CREATE FUNCTION billing_current_price(p_sku text) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT id FROM billing_price WHERE sku = p_sku AND effective_from <= now() ORDER BY version DESC LIMIT 1
$$;

-- Sets money aside: 'held', or 'insufficient_funds' and nothing has changed. What is free needs no balance.
CREATE FUNCTION billing_hold(p_hold uuid, p_payer text, p_price bigint, p_amount bigint, p_expires timestamptz)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE payer_account bigint;
BEGIN
  UPDATE billing_account SET held = held + p_amount
    WHERE owner = p_payer AND kind = 'buyer_prepaid' AND shard = 0
      AND currency = (SELECT currency FROM billing_price WHERE id = p_price)
      AND posted - held - p_amount >= min_available
    RETURNING id INTO payer_account;
  IF payer_account IS NULL THEN
    IF p_amount IS DISTINCT FROM 0 THEN RETURN 'insufficient_funds'; END IF;
    payer_account := billing_account_id(p_payer, 'buyer_prepaid', (SELECT currency FROM billing_price WHERE id = p_price));
  END IF;
  INSERT INTO billing_hold(id, account_id, price_id, amount, state, expires_at)
    VALUES (p_hold, payer_account, p_price, p_amount, 'pending', p_expires);
  RETURN 'held';
END $$;

-- Posts holds: [{"hold", "source", "description", "quantity", "amount"}, …]. An amount of zero releases the hold.
-- Holds that are not pending any more are left out of the answer: somebody else resolved them first. A hold that is
-- named twice counts once.
CREATE FUNCTION billing_settle(p_items jsonb) RETURNS TABLE(hold uuid, amount bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE work jsonb; holds uuid[];
BEGIN
  SELECT array_agg(i.hold) INTO holds FROM jsonb_to_recordset(p_items) AS i(hold uuid);
  -- Lock the holds, then all accounts that will change, each in order of ids, so that no two settlements deadlock. The
  -- state is looked at afterwards, so that the primary key finds the holds and no index of pending ones is scanned.
  WITH found AS MATERIALIZED (
    SELECT h.id, h.account_id, h.price_id, h.state FROM billing_hold h WHERE h.id = ANY (holds) ORDER BY h.id FOR UPDATE
  ), locked AS (
    SELECT h.id, h.account_id, h.price_id, i.source, i.description, i.quantity, i.amount AS charge
    FROM found h
    JOIN (SELECT DISTINCT ON (hold) * FROM jsonb_to_recordset(p_items)
            AS given(hold uuid, source text, description text, quantity bigint, amount bigint)) i ON i.hold = h.id
    WHERE h.state = 'pending'
  ), rated AS MATERIALIZED (
    -- The fee is (charge * fee_bps + 5000) / 10000, in parts that stay within 64 bits.
    SELECT l.*, p.currency, p.payee, p.sku, p.unit, a.owner AS payer,
           l.charge / 10000 * p.fee_bps + (l.charge % 10000 * p.fee_bps + 5000) / 10000 AS fee,
           (hashtextextended(l.id::text, 0) & 15)::int AS shard
    FROM locked l JOIN billing_price p ON p.id = l.price_id JOIN billing_account a ON a.id = l.account_id
  ), opened AS MATERIALIZED (
    -- Whoever opens an account waits for others that open it too, so all open them in the same order.
    SELECT owner, kind, currency, shard, billing_account_id(owner, kind, currency, shard) AS id FROM (
      SELECT payee, 'provider_payable', currency, 0 FROM rated
      UNION SELECT 'platform', 'platform_fee', currency, shard FROM rated
      ORDER BY 1, 2, 3, 4) AS wanted(owner, kind, currency, shard)
  )
  SELECT jsonb_agg(jsonb_build_object(
           'hold', r.id, 'account', r.account_id, 'price', r.price_id, 'source', r.source, 'description', r.description,
           'quantity', r.quantity, 'amount', r.charge, 'currency', r.currency, 'payer', r.payer, 'payee', r.payee,
           'sku', r.sku, 'unit', r.unit, 'fee', r.fee, 'payee_account', payable.id, 'fee_account', fee.id))
    INTO work
    FROM rated r
    JOIN opened payable ON (payable.owner, payable.kind, payable.currency) = (r.payee, 'provider_payable', r.currency)
    JOIN opened fee ON (fee.kind, fee.currency, fee.shard) = ('platform_fee', r.currency, r.shard);
  IF work IS NULL THEN RETURN; END IF;
  SELECT array_agg(w.hold) INTO holds FROM jsonb_to_recordset(work) AS w(hold uuid);

  PERFORM FROM billing_account
    WHERE id IN (SELECT unnest(ARRAY[account, payee_account, fee_account])
                 FROM jsonb_to_recordset(work) AS w(account bigint, payee_account bigint, fee_account bigint))
    ORDER BY id FOR NO KEY UPDATE;
  -- The hold goes before the charge comes, or the balance would dip below its limit in between.
  UPDATE billing_account a SET held = a.held - released.total
    FROM (SELECT account_id, sum(amount) AS total FROM billing_hold WHERE id = ANY (holds) GROUP BY account_id) released
    WHERE a.id = released.account_id;
  WITH items AS (
    SELECT * FROM jsonb_to_recordset(work) AS w(
      hold uuid, account bigint, price bigint, source text, description text, quantity bigint, amount bigint,
      currency text, payer text, payee text, sku text, unit text, fee bigint, payee_account bigint, fee_account bigint)
  ), posted AS (
    INSERT INTO billing_transaction(key, request_hash, kind, source, description)
      SELECT 'settle:' || hold, '', 'settlement', source, description FROM items WHERE amount > 0 ORDER BY hold
      RETURNING id, key
  ), booked AS (
    SELECT items.*, posted.id AS transaction FROM items LEFT JOIN posted ON posted.key = 'settle:' || items.hold
  ), entries AS (
    INSERT INTO billing_entry(transaction_id, account_id, currency, amount)
      SELECT transaction, leg.account, currency, leg.amount
      FROM booked, LATERAL (VALUES (account, -amount), (payee_account, amount - fee), (fee_account, fee))
                     AS leg(account, amount)
      WHERE transaction IS NOT NULL AND leg.amount <> 0
  ), used AS (
    INSERT INTO billing_usagerecord(hold_id, transaction_id, price_id, payer, payee, sku, unit, quantity, amount, fee,
                                    currency)
      SELECT hold, transaction, price, payer, payee, sku, unit, quantity, amount, fee, currency
      FROM booked WHERE quantity > 0
  )
  UPDATE billing_hold h
    SET state = CASE WHEN b.amount > 0 OR b.quantity > 0 THEN 'posted' ELSE 'voided' END,
        posted_amount = b.amount, transaction_id = b.transaction, resolved_at = now()
    FROM booked b WHERE h.id = b.hold AND h.id = ANY (holds);
  RETURN QUERY SELECT w.hold, w.amount FROM jsonb_to_recordset(work) AS w(hold uuid, amount bigint);
END $$;

-- Lets holds go without charging anything; p_state is 'voided' or 'expired'. Answers with how many were pending.
CREATE FUNCTION billing_release(p_holds uuid[], p_state text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE pending uuid[];
BEGIN
  IF p_state IS NULL OR p_state NOT IN ('voided', 'expired') THEN
    RAISE EXCEPTION 'a hold is released as voided or expired, not as %', p_state USING ERRCODE = 'check_violation';
  END IF;
  SELECT array_agg(id) INTO pending FROM (
    SELECT id FROM billing_hold WHERE id = ANY (p_holds) AND state = 'pending' ORDER BY id FOR UPDATE) locked;
  IF pending IS NULL THEN RETURN 0; END IF;
  PERFORM FROM billing_account WHERE id IN (SELECT account_id FROM billing_hold WHERE id = ANY (pending))
    ORDER BY id FOR NO KEY UPDATE;
  UPDATE billing_account a SET held = a.held - released.total
    FROM (SELECT account_id, sum(amount) AS total FROM billing_hold WHERE id = ANY (pending) GROUP BY account_id) released
    WHERE a.id = released.account_id;
  UPDATE billing_hold SET state = p_state, posted_amount = 0, resolved_at = now() WHERE id = ANY (pending);
  RETURN cardinality(pending);
END $$;

-- Any other movement: p_entries is [{"owner", "kind", "amount"}, …]. The same key and hash answer with the transaction
-- that exists, the same key with another hash is refused with SQLSTATE BO409.
CREATE FUNCTION billing_post(p_key text, p_hash text, p_kind text, p_source text, p_description text, p_currency text,
                             p_entries jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE posted_id bigint; known_hash text;
BEGIN
  INSERT INTO billing_transaction(key, request_hash, kind, source, description)
    VALUES (p_key, p_hash, p_kind, p_source, p_description) ON CONFLICT (key) DO NOTHING RETURNING id INTO posted_id;
  IF posted_id IS NULL THEN
    SELECT id, request_hash INTO STRICT posted_id, known_hash FROM billing_transaction WHERE key = p_key;
    IF known_hash IS DISTINCT FROM p_hash THEN
      RAISE EXCEPTION 'the key % was used for another movement', p_key USING ERRCODE = 'BO409';
    END IF;
    RETURN posted_id;
  END IF;
  INSERT INTO billing_entry(transaction_id, account_id, currency, amount)
    SELECT posted_id, billing_account_id(e.owner, e.kind, p_currency), p_currency, e.amount
    FROM jsonb_to_recordset(p_entries) AS e(owner text, kind text, amount bigint)
    ORDER BY e.owner, e.kind;  -- accounts are opened in the same order as billing_settle does
  RETURN posted_id;
END $$;
