-- The results that nodes of 0.1.0 report, an array, as the document that inference_complete takes today. They only know
-- prices per image; the amounts and descriptions that they worked out are not needed any more.
CREATE OR REPLACE FUNCTION inference_results_0_1_0(p_results jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('schema', 1, 'results', coalesce(jsonb_agg(
    result || jsonb_build_object('not_billed_reason', result -> 'not_billed',
                                 'quantities', jsonb_build_object('image', result -> 'quantity'))), '[]'))
  FROM jsonb_array_elements(p_results) AS result
$$;
