"""What PostgreSQL refuses: to the serving role by its grants, to the owner by triggers."""

import json

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, connections, transaction

from billing.ledger.domain import AccountKind
from marketplace.accounts.models import AuditEvent
from tests.support.ledger import (
    Item,
    assert_ledger_consistent,
    balance,
    hold,
    hold_row,
    make_payer,
    make_price,
    name,
    rows,
    settle,
)
from tests.support.services import home

pytestmark = pytest.mark.usefixtures("database")

FUNCTION_WRITTEN = ["account", "transaction", "entry", "hold", "usagerecord"]
HISTORY = ["transaction", "entry", "usagerecord", "price"]


@pytest.fixture
def settled(database: None) -> tuple[str, str]:
    """A payer and a payee with a settlement between them, so that every table has rows."""
    payer, price = make_payer(10_000), make_price()
    id_ = hold(payer, price, 4_000)
    assert settle([Item(id_, 4_000)]) == {id_: 4_000}
    return payer, price.payee


def refused_to_serve(sql: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied|must be owner"), transaction.atomic():
        rows(sql)


def refused_to_owner(sql: str, *, match: str) -> None:
    connection = connections["owner"]
    with (
        pytest.raises(IntegrityError, match=match),
        transaction.atomic(using="owner"),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


@pytest.mark.parametrize("table", FUNCTION_WRITTEN)
def test_the_serving_role_writes_no_ledger_table(settled: tuple[str, str], table: str):
    before = rows(f"SELECT to_jsonb(t) FROM billing_{table} t ORDER BY id")
    refused_to_serve(f"UPDATE billing_{table} SET id = id")
    refused_to_serve(f"DELETE FROM billing_{table}")
    refused_to_serve(f"TRUNCATE billing_{table} CASCADE")
    refused_to_serve(f"INSERT INTO billing_{table} DEFAULT VALUES")
    refused_to_serve(f"ALTER TABLE billing_{table} DISABLE TRIGGER ALL")
    refused_to_serve(f"CREATE TRIGGER t BEFORE INSERT ON billing_{table} EXECUTE FUNCTION billing_refuse()")
    assert rows(f"SELECT to_jsonb(t) FROM billing_{table} t ORDER BY id") == before


@pytest.mark.parametrize("table", ["billing_price", "accounts_auditevent"])
def test_the_serving_role_only_adds_to_prices_and_audit_events(settled: tuple[str, str], table: str):
    AuditEvent.objects.create(action="test", subject="test", data={})
    refused_to_serve(f"UPDATE {table} SET id = id")
    refused_to_serve(f"DELETE FROM {table}")
    refused_to_serve(f"TRUNCATE {table} CASCADE")


def test_the_serving_role_cannot_bypass_the_guards(settled: tuple[str, str]):
    refused_to_serve("CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    refused_to_serve("CREATE TABLE public.mine()")
    refused_to_serve("SET session_replication_role = replica")
    refused_to_serve(f"SET ROLE {settings.OWNER_ROLE}")
    refused_to_serve("DROP FUNCTION billing_refuse() CASCADE")


def test_the_ledgers_trigger_cannot_be_put_on_a_table_of_ones_own():
    """Otherwise rows inserted there would be booked with the owner's rights."""
    payer = make_payer(1_000)
    with pytest.raises(ProgrammingError, match="permission denied for function"), transaction.atomic():
        rows(
            """
            CREATE TEMP TABLE mine (transaction_id bigint, account_id bigint, currency text, amount bigint);
            CREATE TRIGGER mine AFTER INSERT ON mine REFERENCING NEW TABLE AS fresh
              FOR EACH STATEMENT EXECUTE FUNCTION billing_apply_entries();
            INSERT INTO mine SELECT -1, id, currency, 1000000 FROM billing_account WHERE owner = %s RETURNING 1
            """,
            payer,
        )
    assert balance(payer) == (1_000, 0)
    assert_ledger_consistent()


def test_temporary_tables_cannot_replace_the_ledgers():
    """A function that runs with the owner's rights must not read, or fire triggers of, what its caller made."""
    payer, price = make_payer(1_000), make_price()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TEMP TABLE billing_account (LIKE public.billing_account INCLUDING ALL) ON COMMIT DROP;
            INSERT INTO pg_temp.billing_account SELECT * FROM public.billing_account;
            UPDATE pg_temp.billing_account SET posted = 1000000;
            GRANT ALL ON pg_temp.billing_account TO PUBLIC;
            """
        )
        assert hold(payer, price, 500_000) is None
    assert hold(payer, price, 1_000) is not None
    assert_ledger_consistent()


def test_every_function_with_the_owners_rights_is_closed():
    """Safe search path, temporary objects last, and executable by the serving role only; triggers by no role."""
    found = rows(
        """
        SELECT proname, coalesce(proconfig, '{}'), prorettype = 'trigger'::regtype,
               has_function_privilege(%s, oid, 'EXECUTE'), has_function_privilege('pg_monitor', oid, 'EXECUTE')
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef ORDER BY proname
        """,
        settings.SERVING_ROLE,
    )
    assert [row[0] for row in found] == [
        "billing_account_id",
        "billing_apply_entries",
        "billing_authorize",
        "billing_close_reviews",
        "billing_hold",
        "billing_observe",
        "billing_post",
        "billing_release",
        "billing_roll_up",
        "billing_settle",
        "billing_signal",
        "billing_void_outcome",
        "providers_delete_model",
    ]
    for function, config, is_trigger, serving, anybody in found:
        assert config == ["search_path=public, pg_temp"], function
        assert (serving, anybody) == (not is_trigger, False), function


@pytest.mark.parametrize("table", HISTORY)
def test_the_owner_cannot_change_entries(settled: tuple[str, str], table: str):
    for sql in (
        f"UPDATE billing_{table} SET id = id",
        f"DELETE FROM billing_{table}",
        f"TRUNCATE billing_{table} CASCADE",
    ):
        refused_to_owner(sql, match="append-only")


def test_the_owner_cannot_delete_holds(settled: tuple[str, str]):
    refused_to_owner("DELETE FROM billing_hold", match="append-only")
    refused_to_owner("TRUNCATE billing_hold CASCADE", match="append-only")
    refused_to_owner("TRUNCATE billing_account CASCADE", match="append-only")


def test_a_hold_is_neither_opened_again_nor_posted_beyond_its_amount():
    payer, price = make_payer(10_000), make_price()
    done, open_ = hold(payer, price, 1_000), hold(payer, price, 1_000)
    settle([Item(done, 1_000)])
    for change in ("state = 'pending'", "state = 'voided'", "posted_amount = 0", "amount = 5000"):
        refused_to_owner(
            f"UPDATE billing_hold SET {change} WHERE id = '{done}'", match=f"hold {done} is posted already"
        )
    for change in (
        "state = 'posted', posted_amount = 1001",
        "state = 'posted', posted_amount = -1",
        "state = 'posted'",
        "state = 'paid', posted_amount = 1",
        "amount = 2000",
        "price_id = price_id + 1",
        "account_id = account_id + 1",
    ):
        refused_to_owner(f"UPDATE billing_hold SET {change} WHERE id = '{open_}'", match=f"hold {open_}")
    assert (hold_row(done)[:2], hold_row(open_)) == (("posted", 1_000), ("pending", None, None))
    assert_ledger_consistent()


ENTRIES = """
    WITH t AS (INSERT INTO billing_transaction(key, request_hash, kind, source, description)
               VALUES (%(key)s, '', 'grant', '', '') RETURNING id)
    INSERT INTO billing_entry(transaction_id, account_id, currency, amount)
    SELECT t.id, a.id, e.currency, e.amount
    FROM t, jsonb_to_recordset(%(entries)s) AS e(owner text, kind text, currency text, amount bigint)
    JOIN billing_account a USING (owner, kind)
"""


@pytest.mark.parametrize("role", [settings.OWNER_ROLE, "postgres"])
@pytest.mark.parametrize(
    ("legs", "message"),
    [
        ([("payer", "USD", 5)], "must sum to zero"),
        ([("payer", "USD", -5), ("payee", "USD", 4)], "must sum to zero"),
        ([("payer", "USD", -5), ("payee", "EUR", 5)], "must sum to zero"),
        ([("payer", "EUR", -5), ("payee", "EUR", 5)], "currency of its account"),
        ([("payer", "USD", -6_001), ("payee", "USD", 6_001)], "account_within_limit"),
    ],
)
def test_invalid_entries_are_refused_for_every_role(
    settled: tuple[str, str], role: str, legs: list[tuple[str, str, int]], message: str
):
    owners = {"payer": (settled[0], "buyer_prepaid"), "payee": (settled[1], "provider_payable")}
    entries = [
        {"owner": owners[who][0], "kind": owners[who][1], "currency": currency, "amount": amount}
        for who, currency, amount in legs
    ]
    parameters = {"key": name(), "entries": json.dumps(entries)}
    with (
        psycopg.connect(home.postgres_url(user=role, database=settings.DATABASE_NAME)) as direct,
        pytest.raises(psycopg.errors.CheckViolation, match=message),
    ):
        direct.execute(ENTRIES, parameters)
    assert balance(settled[0]) == (6_000, 0)
    assert rows("SELECT id FROM billing_transaction WHERE key = %s", parameters["key"]) == []
    assert_ledger_consistent()


def test_each_statement_balances_not_only_the_whole_transaction(settled: tuple[str, str]):
    """Two unbalanced statements that would cancel out are refused at the first."""
    with psycopg.connect(home.postgres_url(user=settings.OWNER_ROLE, database=settings.DATABASE_NAME)) as direct:
        insert = (
            "INSERT INTO billing_entry(transaction_id, account_id, currency, amount) "
            "SELECT max(t.id), min(a.id), 'USD', %s FROM billing_transaction t, billing_account a"
        )
        with pytest.raises(psycopg.errors.CheckViolation, match="must sum to zero"):
            direct.execute(insert, [5])
    assert_ledger_consistent()


@pytest.mark.parametrize(("owner", "kind"), [(None, AccountKind.CLEARING), ("x", None)])
def test_an_account_has_an_owner_and_a_kind(owner: str | None, kind: str | None):
    with pytest.raises(DatabaseError):
        rows("SELECT billing_account_id(%s, %s, 'USD')", owner, kind)
    assert connection.in_atomic_block is False
