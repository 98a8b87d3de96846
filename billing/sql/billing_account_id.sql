-- The id of an account, opened if need be. What a buyer prepaid and what a provider is owed never fall below zero.
CREATE OR REPLACE FUNCTION billing_account_id(p_owner text, p_kind text, p_currency text, p_shard int DEFAULT 0) RETURNS bigint
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
