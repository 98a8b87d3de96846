-- A quantity as people read it, to three digits where it is no whole number of units: `2 images`, `1.05 megapixels`.
-- `billing.pricing.domain.quantity_text` says the same in Python.
CREATE OR REPLACE FUNCTION billing_quantity_text(p_unit text, p_quantity bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT number || ' ' || CASE number WHEN '1' THEN u.singular ELSE u.plural END
  FROM billing_units() u, LATERAL (SELECT p_quantity::numeric / u.parts AS units) q, LATERAL (
    SELECT CASE
      WHEN q.units >= 100 OR p_quantity % u.parts = 0 THEN to_char(round(q.units), 'FM9,999,999,999,999,999,990')
      ELSE trim_scale(round(q.units, CASE WHEN q.units >= 10 THEN 1 WHEN q.units >= 1 THEN 2 WHEN q.units >= 0.1 THEN 3
                                          WHEN q.units >= 0.01 THEN 4 WHEN q.units >= 0.001 THEN 5 ELSE 6 END))::text
    END AS number) shown
  WHERE u.unit = p_unit
$$;
