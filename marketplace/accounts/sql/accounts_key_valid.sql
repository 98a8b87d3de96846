-- Whether a key may still speak for its organisation; admission asks in the same statement that holds the money.
CREATE OR REPLACE FUNCTION accounts_key_valid(p_key uuid, p_organization uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM accounts_apikey
                 WHERE id = p_key AND organization_id = p_organization AND revoked_at IS NULL)
$$;
