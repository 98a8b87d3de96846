-- Ends those of these outcomes that are decided, or whose time is over: posts the price of what was accepted and lets
-- the rest of the hold go. The caller has locked them. Answers with how many ended.
CREATE OR REPLACE FUNCTION billing_conclude(p_ids uuid[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE due jsonb; settled bigint;
BEGIN
  SELECT jsonb_agg(jsonb_build_object(
           'hold', o.id, 'source', o.source, 'quantity', o.accepted, 'amount', billing_rate(p.amount, p.unit, o.accepted),
           'description', o.label || ': ' || regexp_replace(billing_quantity_text(p.unit, o.accepted), ' ', ' accepted '),
           'contract', o.contract_id, 'delivered', o.delivered,
           'state', CASE WHEN o.accepted > 0 THEN 'settled' WHEN o.rejected = o.delivered THEN 'not_met' ELSE 'expired' END))
    INTO due
    FROM billing_outcome o JOIN billing_hold h ON h.id = o.id JOIN billing_price p ON p.id = h.price_id
    WHERE o.id = ANY (p_ids) AND o.state = 'observing'
      AND (o.accepted + o.rejected = o.delivered OR o.review_until <= now());
  IF due IS NULL THEN RETURN 0; END IF;
  SELECT count(*) INTO settled FROM billing_settle(due);
  IF settled <> jsonb_array_length(due) THEN
    RAISE EXCEPTION 'the hold of an outcome under observation is not pending' USING ERRCODE = 'data_corrupted';
  END IF;
  UPDATE billing_outcome o SET state = d.state, amount = d.amount, resolved_at = now()
    FROM jsonb_to_recordset(due) AS d(hold uuid, state text, amount bigint) WHERE o.id = d.hold;
  INSERT INTO core_outboxevent(topic, payload)
    SELECT 'outcome.resolved', jsonb_build_object('id', d.hold, 'contract', d.contract, 'state', d.state,
                                                  'delivered', d.delivered, 'accepted', d.quantity, 'amount', d.amount)
    FROM jsonb_to_recordset(due) AS d(hold uuid, contract uuid, state text, delivered int, quantity int, amount bigint);
  RETURN settled;
END $$;
