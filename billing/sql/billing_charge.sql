-- Rates what was delivered and settles it: [{"hold", "source", "label", "quantities", "most"}, …]. The quantities are
-- those of billing_delivered, null where nothing was delivered, which lets the hold go; no more than `most` parts of the
-- price's unit count, and no more than what is held is charged. The label is what was sold, for the description. Answers
-- as billing_settle does.
CREATE OR REPLACE FUNCTION billing_charge(p_items jsonb) RETURNS TABLE(hold uuid, amount bigint) LANGUAGE sql AS $$
  SELECT s.hold, s.amount FROM billing_settle((
    SELECT jsonb_agg(jsonb_build_object(
             'hold', i.hold, 'source', i.source, 'quantity', q.quantity,
             'description', i.label || ': ' || billing_quantity_text(p.unit, q.quantity),
             'amount', least(billing_rate(p.amount, p.unit, q.quantity), h.amount)))
    FROM jsonb_to_recordset(p_items) AS i(hold uuid, source text, label text, quantities jsonb, most bigint)
    JOIN billing_hold h ON h.id = i.hold
    JOIN billing_price p ON p.id = h.price_id,
    LATERAL (SELECT CASE WHEN i.quantities IS NULL THEN 0
                         ELSE least(billing_delivered(i.quantities, p.unit), i.most) END AS quantity) q)) s
$$;
