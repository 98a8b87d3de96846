-- Holds the price of a call's units under a contract: 'held', or nothing has changed and the answer is the reason:
-- contract_unknown, contract_ended, contract_full, insufficient_funds. The hold lasts for the run, the review and a day.
CREATE OR REPLACE FUNCTION billing_authorize(p_id uuid, p_contract uuid, p_payer text, p_subject text, p_price bigint,
                                  p_quantity bigint, p_amount bigint, p_source text, p_label text, p_run_hours int)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE agreed record; answer text;
BEGIN
  -- Ending the contract waits for this lock, and so does every other call under it, that none is one too many.
  SELECT c.buyer, c.ended_at, o.subject, o.price_id, o.review_hours, o.most_unreviewed INTO agreed
    FROM billing_outcomecontract c JOIN billing_outcomeoffer o ON o.id = c.offer_id
    WHERE c.id = p_contract FOR NO KEY UPDATE OF c;
  IF (agreed.buyer, agreed.subject, agreed.price_id) IS DISTINCT FROM (p_payer, p_subject, p_price) THEN
    RETURN 'contract_unknown';
  END IF;
  IF agreed.ended_at IS NOT NULL THEN RETURN 'contract_ended'; END IF;
  IF agreed.most_unreviewed <= (SELECT count(*) FROM billing_outcome
                                WHERE contract_id = p_contract AND state IN ('authorized', 'observing')) THEN
    RETURN 'contract_full';
  END IF;
  answer := billing_hold(p_id, p_payer, p_price, p_amount,
                         now() + make_interval(hours => p_run_hours + agreed.review_hours + 24));
  IF answer <> 'held' THEN RETURN answer; END IF;
  INSERT INTO billing_outcome(id, contract_id, source, label, state, quantity, accepted, rejected)
    VALUES (p_id, p_contract, p_source, p_label, 'authorized', p_quantity, 0, 0);
  RETURN 'held';
END $$;
