-- Any other movement: p_entries is [{"owner", "kind", "amount"}, …]. The same key and hash answer with the transaction
-- that exists, the same key with another hash is refused with SQLSTATE BO409.
CREATE OR REPLACE FUNCTION billing_post(p_key text, p_hash text, p_kind text, p_source text, p_description text, p_currency text,
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
