"""The partitions of a quarter, and how a whole quarter goes in at once.

`open_booked_quarter` makes the partitions. `stage_quarter` makes tables beside them, without keys or
triggers, for COPY; `attach_quarter` checks what was staged and makes each stage the quarter's partition, or
appends it where the partition already has rows. All of it happens or nothing.

What takes long (balance, keys, indexes) is done before the first lock that others could feel. The locks are
taken in the order in which a close writes, and each stage needs one pass per foreign key then.

The application may call these functions and may write to stages, but never to a partition: a partition does
not fire the triggers of its parent's statements.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# A partition can be removed or attached by these functions alone, for one quarter one at a time.
LOCK_QUARTER = """
CREATE FUNCTION lock_booked_quarter(booked integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF booked IS NULL OR booked % 10 NOT BETWEEN 1 AND 4 OR booked NOT BETWEEN 19491 AND 29994 THEN
        RAISE EXCEPTION 'a quarter is written as 20243 for 2024Q3, not as %', booked USING ERRCODE = 'LG005';
    END IF;
    PERFORM pg_advisory_xact_lock(7265002, booked);
END $$
"""

# ATTACH locks what the partition refers to. A close writes to these tables in this order; in the same order
# the two cannot wait for each other.
LOCK_REFERENCED_TABLES = """
CREATE FUNCTION lock_referenced_tables() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    LOCK TABLE party, filing, settlement, settlement_cause, account, journal_entry
        IN SHARE ROW EXCLUSIVE MODE;
END $$
"""

# to_regclass would answer from a cache that need not know yet what another transaction has just committed.
IS_TABLE = """
CREATE FUNCTION is_table(name text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = name)
$$
"""

PARTITIONED_TABLES = """
CREATE FUNCTION partitioned_tables() RETURNS SETOF text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    VALUES ('return_line'), ('carried'), ('allocation'), ('posting')
$$
"""

# CREATE TABLE ... PARTITION OF would keep even readers out of the parent; ATTACH does not.
OPEN_BOOKED_QUARTER = """
CREATE FUNCTION open_booked_quarter(booked integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET client_min_messages = warning AS $$
DECLARE
    parent text;
BEGIN
    IF NOT EXISTS (SELECT FROM partitioned_tables() AS names (parent_name)
                   WHERE NOT is_table(parent_name || '_' || booked)) THEN
        RETURN;
    END IF;
    PERFORM lock_booked_quarter(booked);
    PERFORM lock_referenced_tables();
    FOR parent IN SELECT * FROM partitioned_tables() LOOP
        CONTINUE WHEN is_table(parent || '_' || booked);
        PERFORM create_beside(parent, parent || '_' || booked, booked);
        PERFORM build_keys(parent, parent || '_' || booked);
        PERFORM attach_partition(parent, parent || '_' || booked, booked);
    END LOOP;
END $$
"""

# The check keeps figures of other quarters out, and saves ATTACH the pass in which it would look for them.
CREATE_BESIDE = """
CREATE FUNCTION create_beside(parent text, created text, booked integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS, '
                   'CONSTRAINT staged_quarter CHECK (booked_quarter = %s))', created, parent, booked);
END $$
"""

ATTACH_PARTITION = """
CREATE FUNCTION attach_partition(parent text, partition text, booked integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET maintenance_work_mem = '256MB' AS $$
BEGIN
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%s) TO (%s)',
                   parent, partition, booked, booked + 1);
    EXECUTE format('ALTER TABLE public.%I DROP CONSTRAINT staged_quarter', partition);
    PERFORM guard_partition(partition);
END $$
"""

GUARD_PARTITION = """
CREATE FUNCTION guard_partition(partition text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON public.%I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()', partition);
END $$
"""

STAGE_QUARTER = """
CREATE FUNCTION stage_quarter(booked integer) RETURNS TABLE (table_name text, stage_name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET client_min_messages = warning AS $$
BEGIN
    PERFORM lock_booked_quarter(booked);
    FOR table_name IN SELECT * FROM partitioned_tables() LOOP
        stage_name := format('%s_%s_stage', table_name, booked);
        EXECUTE format('DROP TABLE IF EXISTS public.%I', stage_name);
        PERFORM create_beside(table_name, stage_name, booked);
        EXECUTE format('GRANT SELECT, INSERT ON public.%I TO parkledger_application', stage_name);
        RETURN NEXT;
    END LOOP;
END $$
"""

REFUSE_UNBALANCED_STAGE = """
CREATE FUNCTION refuse_unbalanced_stage(stage text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET work_mem = '128MB' AS $$
DECLARE
    unbalanced record;
BEGIN
    EXECUTE format('SELECT agreement_id, settlement_id, entry, book_id, commodity_id, '
                   'sum(amount_minor) AS difference_minor FROM public.%I '
                   'GROUP BY agreement_id, settlement_id, entry, book_id, commodity_id '
                   'HAVING sum(amount_minor) <> 0 ORDER BY 1, 2, 3, 4, 5 LIMIT 1', stage) INTO unbalanced;
    IF unbalanced.agreement_id IS NOT NULL THEN
        RAISE EXCEPTION 'entry % of settlement % (agreement %) does not balance in book %, commodity %: '
            'off by %', unbalanced.entry, unbalanced.settlement_id, unbalanced.agreement_id,
            unbalanced.book_id, unbalanced.commodity_id, unbalanced.difference_minor
            USING ERRCODE = 'LG003';
    END IF;
END $$
"""

# The same question as the view settlement_difference asks, of stages. Each side is added up by itself first:
# it saves carrying three million rows through the union.
REFUSE_DIFFERING_STAGES = """
CREATE FUNCTION refuse_differing_stages(allocations text, postings text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET work_mem = '128MB' AS $$
DECLARE
    differing record;
BEGIN
    EXECUTE format(
        'WITH allocated AS MATERIALIZED ('
        '    SELECT agreement_id, settlement_id, clause, book_id, commodity_id, party_id,'
        '           sum(amount_minor) AS amount_minor, sum(routed_minor) AS routed_minor'
        '    FROM public.%I'
        '    GROUP BY agreement_id, settlement_id, clause, book_id, commodity_id, party_id'
        '), posted AS MATERIALIZED ('
        '    SELECT agreement_id, settlement_id, account_id, book_id, commodity_id,'
        '           sum(amount_minor) AS amount_minor'
        '    FROM public.%I'
        '    GROUP BY agreement_id, settlement_id, account_id, book_id, commodity_id'
        ') '
        'SELECT agreement_id, settlement_id, clause, book_id, commodity_id, party_id,'
        '       sum(amount_minor) AS difference_minor '
        'FROM ('
        '    SELECT agreement_id, settlement_id, clause, book_id, commodity_id, party_id,'
        '           amount_minor - routed_minor AS amount_minor FROM allocated'
        '    UNION ALL'
        '    SELECT agreement_id, settlement_id, clause, book_id, commodity_id, NULL, routed_minor'
        '    FROM allocated'
        '    UNION ALL'
        '    SELECT agreement_id, settlement_id, clause, book_id, commodity_id,'
        '           CASE WHEN kind <> ''fund'' THEN party_id END, -amount_minor'
        '    FROM posted JOIN account USING (agreement_id, account_id, book_id, commodity_id)'
        '    WHERE kind <> ''source'''
        ') AS allocated_less_posted '
        'GROUP BY agreement_id, settlement_id, clause, book_id, commodity_id, party_id '
        'HAVING sum(amount_minor) <> 0 ORDER BY 1, 2, 3, 4, 5, 6 LIMIT 1',
        allocations, postings) INTO differing;
    IF differing.agreement_id IS NOT NULL THEN
        RAISE EXCEPTION 'clause % of settlement % (agreement %) allocates % more to % than is posted in '
            'book %, commodity %', differing.clause, differing.settlement_id, differing.agreement_id,
            differing.difference_minor, coalesce('party ' || differing.party_id, 'funds'),
            differing.book_id, differing.commodity_id USING ERRCODE = 'LG006';
    END IF;
END $$
"""

STAGED = """
CREATE FUNCTION staged(booked integer) RETURNS TABLE (table_name text, partition_name text, stage_name text)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT names.parent, names.parent || '_' || booked, format('%s_%s_stage', names.parent, booked)
    FROM partitioned_tables() WITH ORDINALITY AS names (parent, position)
    WHERE is_table(format('%s_%s_stage', names.parent, booked))
    ORDER BY names.position
$$
"""

HAS_ROWS = """
CREATE FUNCTION has_rows(relation text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    answer boolean := false;
BEGIN
    IF is_table(relation) THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', relation) INTO answer;
    END IF;
    RETURN answer;
END $$
"""

# ATTACH would build them too, but only after it has locked the parent. Nobody should have to wait for the
# statistics either: right after a national import everything asks about the new quarter.
BUILD_KEYS = """
CREATE FUNCTION build_keys(parent text, stage text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET maintenance_work_mem = '256MB' AS $$
DECLARE
    definition text;
BEGIN
    FOR definition IN
        SELECT format('ALTER TABLE public.%I ADD %s', stage, pg_get_constraintdef(oid))
        FROM pg_constraint
        WHERE conrelid = format('public.%I', parent)::regclass AND contype IN ('p', 'u')
        UNION ALL
        SELECT format('CREATE INDEX ON public.%I%s', stage,
                      substring(pg_get_indexdef(indexrelid) FROM ' USING .*$'))
        FROM pg_index
        WHERE indrelid = format('public.%I', parent)::regclass AND NOT indisunique
    LOOP
        EXECUTE definition;
    END LOOP;
    EXECUTE format('ANALYZE public.%I', stage);
END $$
"""

SHARE_LOCK_STAGED_QUARTERS = """
CREATE FUNCTION share_lock_staged_quarters(booked integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    query text;
    agreement bigint;
BEGIN
    SELECT string_agg(format('SELECT DISTINCT agreement_id FROM public.%I', stage_name), ' UNION ')
    INTO query FROM staged(booked);
    IF query IS NULL THEN
        RETURN;
    END IF;
    FOR agreement IN EXECUTE query || ' ORDER BY 1' LOOP
        PERFORM share_lock_open_quarter(agreement, booked);
    END LOOP;
END $$
"""

ATTACH_STAGE = """
CREATE FUNCTION attach_stage(parent text, partition text, stage text, booked integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    built text;
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS public.%I', partition);
    EXECUTE format('ALTER TABLE public.%I RENAME TO %I', stage, partition);
    FOR built IN SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                 WHERE indrelid = format('public.%I', partition)::regclass LOOP
        EXECUTE format('ALTER INDEX public.%I RENAME TO %I', built,
                       replace(built, '_' || booked || '_stage_', '_' || booked || '_'));
    END LOOP;
    PERFORM attach_partition(parent, partition, booked);
END $$
"""

ATTACH_QUARTER = """
CREATE FUNCTION attach_quarter(booked integer) RETURNS TABLE (table_name text, attached boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET client_min_messages = warning AS $$
DECLARE
    item record;
    allocations text := format('allocation_%s_stage', booked);
    postings text := format('posting_%s_stage', booked);
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a quarter is attached in a READ COMMITTED transaction only' USING ERRCODE = 'LG005';
    END IF;
    PERFORM lock_booked_quarter(booked);
    IF NOT EXISTS (SELECT FROM staged(booked)) THEN
        RAISE EXCEPTION 'nothing is staged for quarter %', booked USING ERRCODE = 'LG005';
    END IF;
    FOR item IN SELECT * FROM staged(booked) LOOP
        EXECUTE format('REVOKE ALL ON public.%I FROM parkledger_application', item.stage_name);
        IF NOT has_rows(item.stage_name) THEN
            EXECUTE format('DROP TABLE public.%I', item.stage_name);
        END IF;
    END LOOP;

    IF has_rows(postings) THEN
        PERFORM refuse_unbalanced_stage(postings);
        IF has_rows(allocations) THEN
            PERFORM refuse_differing_stages(allocations, postings);
        END IF;
    END IF;
    FOR item IN SELECT * FROM staged(booked) LOOP
        IF NOT has_rows(item.partition_name) THEN
            PERFORM build_keys(item.table_name, item.stage_name);
        END IF;
    END LOOP;

    PERFORM lock_referenced_tables();
    PERFORM share_lock_staged_quarters(booked);
    FOR item IN SELECT * FROM staged(booked) LOOP
        table_name := item.table_name;
        attached := NOT lock_and_look(item.partition_name);
        IF attached THEN
            PERFORM attach_stage(item.table_name, item.partition_name, item.stage_name, booked);
        ELSE
            EXECUTE format('INSERT INTO public.%I SELECT * FROM public.%I', item.table_name, item.stage_name);
            EXECUTE format('DROP TABLE public.%I', item.stage_name);
        END IF;
        RETURN NEXT;
    END LOOP;
    PERFORM open_booked_quarter(booked);
END $$
"""

# An empty partition makes room for the stage, so nobody may write to it between the look and the removal.
LOCK_AND_LOOK = """
CREATE FUNCTION lock_and_look(partition text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF is_table(partition) THEN
        EXECUTE format('LOCK TABLE public.%I IN SHARE ROW EXCLUSIVE MODE', partition);
    END IF;
    RETURN has_rows(partition);
END $$
"""

FUNCTIONS = {
    "lock_booked_quarter(integer)": LOCK_QUARTER,
    "lock_referenced_tables()": LOCK_REFERENCED_TABLES,
    "is_table(text)": IS_TABLE,
    "partitioned_tables()": PARTITIONED_TABLES,
    "guard_partition(text)": GUARD_PARTITION,
    "create_beside(text, text, integer)": CREATE_BESIDE,
    "attach_partition(text, text, integer)": ATTACH_PARTITION,
    "open_booked_quarter(integer)": OPEN_BOOKED_QUARTER,
    "stage_quarter(integer)": STAGE_QUARTER,
    "refuse_unbalanced_stage(text)": REFUSE_UNBALANCED_STAGE,
    "refuse_differing_stages(text, text)": REFUSE_DIFFERING_STAGES,
    "staged(integer)": STAGED,
    "has_rows(text)": HAS_ROWS,
    "build_keys(text, text)": BUILD_KEYS,
    "share_lock_staged_quarters(integer)": SHARE_LOCK_STAGED_QUARTERS,
    "attach_stage(text, text, text, integer)": ATTACH_STAGE,
    "lock_and_look(text)": LOCK_AND_LOOK,
    "attach_quarter(integer)": ATTACH_QUARTER,
}
CALLED_BY_APPLICATION = ("open_booked_quarter(integer)", "stage_quarter(integer)", "attach_quarter(integer)")


PARTITIONS = """
DO $$
DECLARE
    partition text;
BEGIN
    FOR partition IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1
    LOOP
        {action};
    END LOOP;
END $$
"""
DROP_STAGES = """
DO $$
DECLARE
    stage text;
BEGIN
    FOR stage IN
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname ~ '_[0-9]{5}_stage$'
    LOOP
        EXECUTE format('DROP TABLE public.%I', stage);
    END LOOP;
END $$
"""


def upgrade() -> None:
    for signature, definition in FUNCTIONS.items():
        op.execute(definition)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    for signature in CALLED_BY_APPLICATION:
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO parkledger_application")
    op.execute(PARTITIONS.format(action="PERFORM guard_partition(partition)"))


def downgrade() -> None:
    """Partitions keep their rows but not their guard, whose function belongs to the revision before."""
    op.execute(DROP_STAGES)
    op.execute(PARTITIONS.format(action="EXECUTE format('DROP TRIGGER append_only ON public.%I', partition)"))
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
