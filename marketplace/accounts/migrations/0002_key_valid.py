from django.db import migrations

FUNCTION = """
-- Whether a key may still speak for its organisation; admission asks in the same statement that holds the money.
CREATE FUNCTION accounts_key_valid(p_key uuid, p_organization uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM accounts_apikey
                 WHERE id = p_key AND organization_id = p_organization AND revoked_at IS NULL)
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION accounts_key_valid(uuid, uuid)")]
