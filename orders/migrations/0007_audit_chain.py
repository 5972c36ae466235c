"""The audit is chained and only added to; the journal's heads are signed; dropped partitions leave an anchor."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from orders.audit import heads, lines

GUARD = """
CREATE FUNCTION orders_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('meridian.mend', true) = 'on' THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; ELSE RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION '% is only added to: no row of it is changed or deleted', TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
CREATE TRIGGER orders_audit_guard BEFORE UPDATE OR DELETE ON orders_audit
    FOR EACH ROW EXECUTE FUNCTION orders_never_changed();
CREATE TRIGGER orders_journal_guard BEFORE UPDATE OR DELETE ON orders_journal
    FOR EACH ROW EXECUTE FUNCTION orders_never_changed();
CREATE TRIGGER orders_anchor_guard BEFORE UPDATE OR DELETE ON orders_anchor
    FOR EACH ROW EXECUTE FUNCTION orders_never_changed();
"""
UNGUARD = """
DROP TRIGGER orders_anchor_guard ON orders_anchor;
DROP TRIGGER orders_journal_guard ON orders_journal;
DROP TRIGGER orders_audit_guard ON orders_audit;
DROP FUNCTION orders_never_changed();
"""
# whoever changes a user, by whatever way, leaves a line; the console says who by setting meridian.actor
USERS = """
CREATE FUNCTION orders_audit_user() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor text := coalesce(nullif(current_setting('meridian.actor', true), ''), 'database user ' || current_user);
    row auth_user := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    changed jsonb := '{}';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.username <> NEW.username THEN changed := changed || jsonb_build_object('username', ARRAY[OLD.username, NEW.username]); END IF;
        IF OLD.is_staff <> NEW.is_staff THEN changed := changed || jsonb_build_object('is_staff', NEW.is_staff); END IF;
        IF OLD.is_superuser <> NEW.is_superuser THEN changed := changed || jsonb_build_object('is_superuser', NEW.is_superuser); END IF;
        IF OLD.is_active <> NEW.is_active THEN changed := changed || jsonb_build_object('is_active', NEW.is_active); END IF;
        IF OLD.password <> NEW.password THEN changed := changed || jsonb_build_object('password', 'changed'); END IF;
        IF changed = '{}' THEN RETURN NULL; END IF;
    ELSE
        changed := jsonb_build_object('is_staff', row.is_staff, 'is_superuser', row.is_superuser, 'is_active', row.is_active);
    END IF;
    INSERT INTO orders_auditwaiting (at, owner_id, actor, action, target, ip, detail) VALUES (
        clock_timestamp(), (SELECT id FROM orders_owner WHERE user_id = row.id), left(actor, 96),
        CASE TG_OP WHEN 'INSERT' THEN 'user.create' WHEN 'DELETE' THEN 'user.delete' ELSE 'user.change' END,
        left(row.username, 128), '', changed);
    RETURN NULL;
END $$;
CREATE TRIGGER auth_user_audit AFTER INSERT OR UPDATE OR DELETE ON auth_user
    FOR EACH ROW EXECUTE FUNCTION orders_audit_user();
"""
NO_USERS = "DROP TRIGGER auth_user_audit ON auth_user; DROP FUNCTION orders_audit_user();"


def chain(apps: Any, schema_editor: Any) -> None:
    """What was written before is chained as it stands now, and the first head is signed with a key made here."""
    heads.make_key()
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id, at, owner_id, actor, action, target, ip, detail::text FROM orders_audit ORDER BY id")
        seq, before = 0, b""
        for number, *columns in cursor.fetchall():
            seq += 1
            before = lines.link(before, seq, lines.Line(*_in_order(columns)))
            cursor.execute("UPDATE orders_audit SET seq = %s, hash = %s WHERE id = %s", (seq, before, number))
        head = heads.sign(heads.AUDIT, seq, before)
        cursor.execute(
            "INSERT INTO orders_chainhead (chain, seq, hash, mac, at) VALUES (%s, %s, %s, %s, clock_timestamp())",
            (head.chain, head.seq, head.hash, head.mac),
        )


def _in_order(columns: list[Any]) -> tuple[Any, ...]:
    at, owner_id, actor, action, target, ip, detail = columns
    return at, actor, action, target, owner_id, ip, detail


def nothing(apps: Any, schema_editor: Any) -> None:
    """Going back drops the columns."""


class Migration(migrations.Migration):
    atomic = True
    dependencies = [("orders", "0006_urgent_commands"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [
        migrations.CreateModel("AuditWaiting", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("at", models.DateTimeField()),
            ("actor", models.CharField(max_length=96)),
            ("action", models.CharField(max_length=48)),
            ("target", models.CharField(max_length=128)),
            ("ip", models.CharField(max_length=64)),
            ("detail", models.JSONField()),
            ("owner", models.ForeignKey("orders.Owner", django.db.models.deletion.DO_NOTHING, null=True, related_name="+", db_constraint=False)),
        ]),
        migrations.CreateModel("AuditCount", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("minute", models.DateTimeField()),
            ("action", models.CharField(max_length=48)),
            ("ip", models.CharField(max_length=64)),
            ("count", models.BigIntegerField()),
            ("targets", models.JSONField(default=list, help_text="The first few things asked for.")),
        ], options={"constraints": [
            models.UniqueConstraint(fields=("minute", "action", "ip"), name="one_count_a_minute_action_and_address"),
        ]}),
        migrations.CreateModel("ChainHead", [
            ("chain", models.CharField(max_length=32, primary_key=True, serialize=False)),
            ("seq", models.BigIntegerField()),
            ("hash", models.BinaryField()),
            ("mac", models.BinaryField()),
            ("at", models.DateTimeField()),
        ]),
        migrations.CreateModel("Anchor", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("chain", models.CharField(max_length=32)),
            ("partition", models.CharField(max_length=63)),
            ("first_seq", models.BigIntegerField()),
            ("last_seq", models.BigIntegerField()),
            ("hash", models.BinaryField()),
            ("mac", models.BinaryField()),
            ("dropped_at", models.DateTimeField()),
        ], options={"ordering": ("chain", "last_seq"), "constraints": [
            models.UniqueConstraint(fields=("chain", "last_seq"), name="anchor_once"),
        ]}),
        migrations.AddField("lease", "head_seq", models.BigIntegerField(
            db_default=0, help_text="How far the journal went when this was renewed last.",
        )),
        migrations.AddField("lease", "head_hash", models.BinaryField(db_default=b"")),
        migrations.AddField("lease", "head_mac", models.BinaryField(db_default=b"")),
        migrations.AddField("audit", "seq", models.BigIntegerField(null=True)),
        migrations.AddField("audit", "ip", models.CharField("address", max_length=64, blank=True, default=""), preserve_default=False),
        migrations.RunPython(chain, nothing),
        migrations.AlterField("audit", "seq", models.BigIntegerField(unique=True, help_text="Its place in the chain, without gaps.")),
        migrations.AlterField("audit", "hash", models.BinaryField()),
        migrations.AlterModelOptions("audit", {"verbose_name_plural": "audit entries", "ordering": ("-seq",)}),
        migrations.AddIndex("audit", models.Index(fields=("owner", "-seq"), name="audit_of_an_owner")),
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunSQL(USERS, NO_USERS),
    ]  # fmt: skip
