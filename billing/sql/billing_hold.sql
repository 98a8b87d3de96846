-- Sets money aside: 'held', or 'insufficient_funds' and nothing has changed. What is free needs no balance.
CREATE OR REPLACE FUNCTION billing_hold(p_hold uuid, p_payer text, p_price bigint, p_amount bigint, p_expires timestamptz)
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
