"""Signing the ends of chains anew, for whoever lost the key for good and has looked."""

from __future__ import annotations

from django.db import connection, transaction

from orders.audit import heads, lines
from orders.audit.verify import Walked
from orders.models import Anchor, Audit, Journal, Lease

SIGNATURES = ("orders_chainhead", "orders_lease", "orders_anchor")


class CannotSign(Exception):
    """Rows themselves do not hold; a new signature would only hide it."""


def sign_anew(walks: list[Walked]) -> None:
    """Sign heads and anchors as they stand, with a key made here if there is none. Raises CannotSign.

    A line of the audit tells of it, with what was wrong.
    """
    for walked in walks:
        if walked.broken and walked.broken.table not in SIGNATURES:
            raise CannotSign(f"{walked.broken} Nothing was signed.")
    heads.make_key()
    with transaction.atomic(), connection.cursor() as cursor:
        for lease in Lease.objects.exclude(head_seq=0):
            last = Journal.objects.filter(shard=lease.shard).latest("seq")
            head = heads.sign(heads.journal(lease.shard), last.seq, bytes(last.hash))
            Lease.objects.filter(shard=lease.shard).update(head_seq=head.seq, head_hash=head.hash, head_mac=head.mac)
        cursor.execute("SET LOCAL meridian.mend = 'on'")
        for anchor in Anchor.objects.all():
            anchor.mac = heads.sign(anchor.chain, anchor.last_seq, bytes(anchor.hash)).mac
            anchor.save(update_fields=["mac"])
        cursor.execute("SET LOCAL meridian.mend = 'off'")
        newest = Audit.objects.order_by("-seq").first()
        lines.set_head(
            cursor, heads.sign(heads.AUDIT, newest.seq if newest else 0, bytes(newest.hash) if newest else b"")
        )
        lines.note("audit.signed.anew", actor="command line", was=[str(one.broken) for one in walks if one.broken])
