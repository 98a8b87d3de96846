-- Outcome contracts: a call under one holds the price of all its units, and what is posted in the end follows from the
-- reviewer's verdicts. The states and their transitions are those of `billing.outcomes.domain.TRANSITIONS`.
--
-- An outcome has the id of its hold. While it is authorized its hold is locked before it, while it is under observation
-- it is locked before its hold: whoever takes it from the one state to the other holds both locks.

-- Offers and contracts are for good. They only end, once.
CREATE FUNCTION billing_guard_agreement() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ending text[] := ARRAY['ended_at', 'ended_by_id', 'ended_for'];
BEGIN
  IF OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL OR to_jsonb(NEW) - ending <> to_jsonb(OLD) - ending THEN
    RAISE EXCEPTION '% % can only end, once: agree on a new version instead', TG_TABLE_NAME, OLD.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER billing_outcomeoffer_guard BEFORE UPDATE ON billing_outcomeoffer
  FOR EACH ROW EXECUTE FUNCTION billing_guard_agreement();
CREATE TRIGGER billing_outcomecontract_guard BEFORE UPDATE ON billing_outcomecontract
  FOR EACH ROW EXECUTE FUNCTION billing_guard_agreement();
CREATE TRIGGER billing_outcomeoffer_keep BEFORE DELETE OR TRUNCATE ON billing_outcomeoffer
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE TRIGGER billing_outcomecontract_keep BEFORE DELETE OR TRUNCATE ON billing_outcomecontract
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE TRIGGER billing_signal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_signal
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();

-- The only ways through the states. Whatever has ended stays as it ended.
CREATE FUNCTION billing_guard_outcome() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.state, NEW.state) NOT IN (
       ('authorized', 'observing'), ('authorized', 'voided'), ('observing', 'observing'),
       ('observing', 'settled'), ('observing', 'not_met'), ('observing', 'expired')) THEN
    RAISE EXCEPTION 'outcome % is % and does not become %', OLD.id, OLD.state, NEW.state
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF (NEW.id, NEW.contract_id, NEW.source, NEW.label, NEW.quantity, NEW.created_at) IS DISTINCT FROM
     (OLD.id, OLD.contract_id, OLD.source, OLD.label, OLD.quantity, OLD.created_at)
     OR (OLD.state = 'observing' AND (NEW.delivered, NEW.review_until) IS DISTINCT FROM (OLD.delivered, OLD.review_until))
     OR NEW.accepted < OLD.accepted OR NEW.rejected < OLD.rejected THEN
    RAISE EXCEPTION 'outcome %: what was agreed, delivered and decided stays', OLD.id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER billing_outcome_guard BEFORE UPDATE ON billing_outcome
  FOR EACH ROW EXECUTE FUNCTION billing_guard_outcome();
CREATE TRIGGER billing_outcome_keep BEFORE DELETE OR TRUNCATE ON billing_outcome
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();

-- A hold that is let go before anything was delivered takes its outcome with it, whoever lets it go and why.
CREATE FUNCTION billing_void_outcome() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE billing_outcome SET state = 'voided', amount = 0, resolved_at = now()
    WHERE id = NEW.id AND state = 'authorized';
  RETURN NULL;
END $$;
CREATE TRIGGER billing_hold_void_outcome AFTER UPDATE OF state ON billing_hold
  FOR EACH ROW WHEN (NEW.state IN ('voided', 'expired')) EXECUTE FUNCTION billing_void_outcome();
REVOKE ALL ON FUNCTION billing_void_outcome() FROM PUBLIC;

-- Lets holds go without charging anything; p_state is 'voided' or 'expired'. Answers with how many were pending.
-- What was delivered and waits for its reviewer is not let go so: billing_conclude decides on it.
CREATE OR REPLACE FUNCTION billing_release(p_holds uuid[], p_state text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE pending uuid[];
BEGIN
  IF p_state IS NULL OR p_state NOT IN ('voided', 'expired') THEN
    RAISE EXCEPTION 'a hold is released as voided or expired, not as %', p_state USING ERRCODE = 'check_violation';
  END IF;
  SELECT array_agg(id) INTO pending FROM (
    SELECT id FROM billing_hold WHERE id = ANY (p_holds) AND state = 'pending' ORDER BY id FOR UPDATE) locked;
  -- Seen once the holds are locked, so that a delivery at the same moment has happened or cannot happen any more.
  SELECT array_agg(id) INTO pending FROM unnest(pending) AS locked(id)
    WHERE NOT EXISTS (SELECT FROM billing_outcome o WHERE o.id = locked.id AND o.state = 'observing');
  IF pending IS NULL THEN RETURN 0; END IF;
  PERFORM FROM billing_account WHERE id IN (SELECT account_id FROM billing_hold WHERE id = ANY (pending))
    ORDER BY id FOR NO KEY UPDATE;
  UPDATE billing_account a SET held = a.held - released.total
    FROM (SELECT account_id, sum(amount) AS total FROM billing_hold WHERE id = ANY (pending) GROUP BY account_id) released
    WHERE a.id = released.account_id;
  UPDATE billing_hold SET state = p_state, posted_amount = 0, resolved_at = now() WHERE id = ANY (pending);
  RETURN cardinality(pending);
END $$;

-- Holds the price of a call's units under a contract: 'held', or nothing has changed and the answer is the reason:
-- contract_unknown, contract_ended, contract_full, insufficient_funds. The hold lasts for the run, the review and a day.
CREATE FUNCTION billing_authorize(p_id uuid, p_contract uuid, p_payer text, p_subject text, p_price bigint,
                                  p_quantity int, p_amount bigint, p_source text, p_label text, p_run_hours int)
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

-- What was delivered waits for its reviewer from now on: [{"id", "delivered"}, …]. Its hold stays, at least a day longer
-- than the review. Answers with those that were authorized; other ids are no outcomes, or theirs ended before.
CREATE FUNCTION billing_observe(p_items jsonb) RETURNS TABLE(outcome uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE delivered_ids uuid[];
BEGIN
  SELECT array_agg(h.id) INTO delivered_ids FROM (
    SELECT id FROM billing_hold WHERE state = 'pending' AND id IN (
      SELECT o.id FROM billing_outcome o JOIN jsonb_to_recordset(p_items) AS i(id uuid, delivered int) ON i.id = o.id
      WHERE o.state = 'authorized' AND i.delivered > 0)
    ORDER BY id FOR UPDATE) h;
  IF delivered_ids IS NULL THEN RETURN; END IF;
  RETURN QUERY
    UPDATE billing_outcome o
      SET state = 'observing', delivered = least(i.delivered, o.quantity), observed_at = now(),
          review_until = now() + make_interval(hours => f.review_hours)
      FROM (SELECT DISTINCT ON (id) * FROM jsonb_to_recordset(p_items) AS given(id uuid, delivered int)) i,
           billing_outcomecontract c, billing_outcomeoffer f
      WHERE o.id = ANY (delivered_ids) AND o.state = 'authorized' AND i.id = o.id
        AND c.id = o.contract_id AND f.id = c.offer_id
      RETURNING o.id;
  UPDATE billing_hold h SET expires_at = greatest(h.expires_at, o.review_until + interval '1 day')
    FROM billing_outcome o WHERE h.id = ANY (delivered_ids) AND o.id = h.id;
END $$;

-- Ends those of these outcomes that are decided, or whose time is over: posts the price of what was accepted and lets
-- the rest of the hold go. The caller has locked them. Answers with how many ended.
CREATE FUNCTION billing_conclude(p_ids uuid[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE due jsonb; settled bigint;
BEGIN
  SELECT jsonb_agg(jsonb_build_object(
           'hold', o.id, 'source', o.source, 'quantity', o.accepted, 'amount', o.accepted * p.amount,
           'description', format('%s: %s accepted %s%s', o.label, o.accepted, p.unit, CASE o.accepted WHEN 1 THEN '' ELSE 's' END),
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

-- A verdict on one unit of a delivery, for good. `answer` is 'recorded', 'known' (the same was said before),
-- 'contradicts' (the other was), 'no_such_unit', 'too_late', or 'not_open' where nothing waits for a verdict.
CREATE FUNCTION billing_signal(p_id uuid, p_unit int, p_verdict text, p_reporter text, OUT answer text, OUT state text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE found billing_outcome; known text;
BEGIN
  SELECT * INTO found FROM billing_outcome o WHERE o.id = p_id FOR UPDATE;
  state := found.state;
  SELECT s.verdict INTO known FROM billing_signal s WHERE s.outcome_id = p_id AND s.unit = p_unit;
  answer := CASE
    WHEN known = p_verdict THEN 'known'
    WHEN known IS NOT NULL THEN 'contradicts'
    WHEN found.state IS DISTINCT FROM 'observing' THEN 'not_open'
    WHEN found.review_until <= now() THEN 'too_late'
    WHEN p_unit NOT BETWEEN 0 AND found.delivered - 1 THEN 'no_such_unit'
    ELSE 'recorded' END;
  IF answer <> 'recorded' THEN RETURN; END IF;
  INSERT INTO billing_signal(outcome_id, unit, verdict, reporter) VALUES (p_id, p_unit, p_verdict, p_reporter);
  UPDATE billing_outcome o
    SET accepted = o.accepted + (p_verdict = 'accepted')::int, rejected = o.rejected + (p_verdict = 'rejected')::int
    WHERE o.id = p_id;
  PERFORM billing_conclude(ARRAY[p_id]);
  SELECT o.state INTO state FROM billing_outcome o WHERE o.id = p_id;
END $$;

-- Ends outcomes whose review window is over; silence lets the money go. Answers with how many.
CREATE FUNCTION billing_close_reviews(p_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE due uuid[];
BEGIN
  SELECT array_agg(o.id) INTO due FROM (
    SELECT id FROM billing_outcome WHERE state = 'observing' AND review_until <= now()
    ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED) o;
  RETURN billing_conclude(due);
END $$;
