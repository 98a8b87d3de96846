-- Posts holds: [{"hold", "source", "description", "quantity", "amount"}, …]. An amount of zero releases the hold. An
-- item with "most" is rated here: [{"hold", "source", "label", "quantities", "most"}, …]. Its quantities are those of
-- billing_delivered, null where nothing was delivered; no more than `most` parts of the price's unit count, and no more
-- than what is held is charged. The label is what was sold, for the description.
-- Holds that are not pending any more are left out of the answer: another transaction resolved them first. A hold that
-- is named twice counts once. Usage of payers whom a gateway knows is told to it through the outbox.
CREATE OR REPLACE FUNCTION billing_settle(p_items jsonb) RETURNS TABLE(hold uuid, amount bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE work jsonb; holds uuid[];
BEGIN
  SELECT array_agg(i.hold) INTO holds FROM jsonb_to_recordset(p_items) AS i(hold uuid);
  -- Lock the holds, then all accounts that will change, each in order of ids, so that no two settlements deadlock. The
  -- state is looked at afterwards, so that the primary key finds the holds and no index of pending ones is scanned.
  WITH found AS MATERIALIZED (
    SELECT h.id, h.account_id, h.price_id, h.amount AS held, h.state FROM billing_hold h WHERE h.id = ANY (holds) ORDER BY h.id FOR UPDATE
  ), locked AS (
    SELECT h.id, h.account_id, h.price_id, h.held, i.*
    FROM found h
    JOIN (SELECT DISTINCT ON (hold) * FROM jsonb_to_recordset(p_items)
            AS given(hold uuid, source text, description text, quantity bigint, amount bigint, label text,
                     quantities jsonb, most bigint)) i ON i.hold = h.id
    WHERE h.state = 'pending'
  ), priced AS MATERIALIZED (  -- what the functions say is used more than once below
    SELECT l.id, l.account_id, l.price_id, l.held, l.source, l.description, l.label, l.amount, p.amount AS unit_amount,
           p.unit, p.currency, p.payee, p.sku, p.fee_bps,
           l.most IS NOT NULL AS is_rated,
           CASE WHEN l.most IS NULL THEN l.quantity WHEN l.quantities IS NULL THEN 0
                ELSE least(billing_delivered(l.quantities, p.unit), l.most) END AS quantity
    FROM locked l JOIN billing_price p ON p.id = l.price_id
  ), charged AS MATERIALIZED (
    SELECT *, CASE WHEN is_rated THEN least(billing_rate(unit_amount, unit, quantity), held) ELSE amount END AS charge
    FROM priced
  ), rated AS MATERIALIZED (
    -- The fee is (charge * fee_bps + 5000) / 10000, in parts that stay within 64 bits.
    SELECT c.*, a.owner AS payer, c.charge / 10000 * c.fee_bps + (c.charge % 10000 * c.fee_bps + 5000) / 10000 AS fee,
           (hashtextextended(c.id::text, 0) & 15)::int AS shard
    FROM charged c JOIN billing_account a ON a.id = c.account_id
  ), opened AS MATERIALIZED (
    -- Transactions that open the same account wait for each other, so all open accounts in the same order.
    SELECT owner, kind, currency, shard, billing_account_id(owner, kind, currency, shard) AS id FROM (
      SELECT payee, 'provider_payable', currency, 0 FROM rated
      UNION SELECT 'platform', 'platform_fee', currency, shard FROM rated
      ORDER BY 1, 2, 3, 4) AS wanted(owner, kind, currency, shard)
  )
  SELECT jsonb_agg(jsonb_build_object(
           'hold', r.id, 'account', r.account_id, 'price', r.price_id, 'source', r.source,
           'description', coalesce(r.description, r.label || ': ' || billing_quantity_text(r.unit, r.quantity)),
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
      FROM booked WHERE quantity > 0 OR amount > 0
      RETURNING hold_id, payer, amount
  ), metered AS (
    INSERT INTO core_outboxevent(topic, payload)
      SELECT 'usage.metered', jsonb_build_object('usage', u.hold_id, 'gateway', c.gateway, 'customer', c.external_id,
                                                 'amount', u.amount,
                                                 'settled_at', floor(extract(epoch FROM now()))::bigint)
      FROM used u JOIN billing_gatewaycustomer c ON c.owner = u.payer WHERE u.amount > 0
  )
  UPDATE billing_hold h
    SET state = CASE WHEN b.amount > 0 OR b.quantity > 0 THEN 'posted' ELSE 'voided' END,
        posted_amount = b.amount, transaction_id = b.transaction, resolved_at = now()
    FROM booked b WHERE h.id = b.hold AND h.id = ANY (holds);
  RETURN QUERY SELECT w.hold, w.amount FROM jsonb_to_recordset(work) AS w(hold uuid, amount bigint);
END $$;
