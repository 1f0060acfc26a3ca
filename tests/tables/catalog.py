"""What a database holds, as text that two databases can be compared by."""

from __future__ import annotations

from sqlalchemy import Connection, text

TABLES = {
    "columns": """
        SELECT attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
               pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)
        FROM pg_attribute
        LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
        JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0
            AND NOT attisdropped
    """,
    "constraints": """
        SELECT conrelid::regclass, conname, contype, convalidated, condeferrable,
               regexp_replace(pg_get_constraintdef(oid), '\\s+', ' ', 'g')
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 't'
    """,
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "partitions": """
        SELECT oid::regclass, relkind, pg_get_partkeydef(oid), pg_get_expr(relpartbound, oid)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    """,
}
CODE_AND_RIGHTS = {
    "functions": """
        SELECT oid::regprocedure, pg_get_functiondef(oid), proacl::text
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    """,
    "triggers": """
        SELECT tgrelid::regclass, tgname, tgenabled, pg_get_triggerdef(pg_trigger.oid)
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal
    """,
    "views": """
        SELECT relname, reloptions, pg_get_viewdef(oid)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
    """,
    "row security": """
        SELECT relname, relrowsecurity, relforcerowsecurity, polname, polcmd, polpermissive,
               polroles::regrole[], pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
        FROM pg_class LEFT JOIN pg_policy ON polrelid = pg_class.oid
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    """,
    "rights": """
        SELECT relname, grantee::regrole, privilege_type
        FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner)))
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
    """,
    "rights to columns": """
        SELECT attrelid::regclass, attname, attacl::text
        FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid::regclass::text !~ '^pg_'
    """,
    "rights to the schema": """
        SELECT grantee::regrole, privilege_type
        FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'public' ORDER BY 1, 2
    """,
}


def of_tables(connection: Connection) -> dict[str, list[str]]:
    """Tables with their columns, constraints, indexes and partitions."""
    return _answers(connection, TABLES)


def of_everything(connection: Connection) -> dict[str, list[str]]:
    """Tables, and also functions, triggers, views and rights."""
    return _answers(connection, TABLES | CODE_AND_RIGHTS)


def _answers(connection: Connection, queries: dict[str, str]) -> dict[str, list[str]]:
    return {
        name: sorted(str(tuple(row)) for row in connection.execute(text(query)))
        for name, query in queries.items()
    }
