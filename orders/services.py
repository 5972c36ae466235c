"""What can be done with orders, for every caller inside: the only way in besides the hot door.

Each function builds a command and hands it to the engine that owns the person. What comes back is a status and body of api.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from orders import caller, intake, messages, replies, urgent
from orders.audit import lines
from orders.errors import DATABASE_AWAY, ApiError
from orders.gathering import gathering
from orders.identity import Identity
from orders.messages import Reply
from orders.models import Halt, Owner, Request


def identity_of(owner: Owner, via: str = "inside") -> Identity:
    """An owner's own identity, for callers inside the installation (strategies, screens, commands)."""
    return Identity(
        user_id=owner.user_id, username=owner.name, owner_id=owner.pk, owner_name=owner.name, shard=owner.shard,
        scopes=frozenset({"read", "trade"}), via=via,
    )  # fmt: skip


def place(owner: Owner | Identity, fields: Mapping[str, Any], header_id: str = "") -> Reply:
    """Place an order; fields as in the body of POST /api/v1/orders. A refusal is a Reply too, never an exception."""
    who = _who(owner)
    try:
        command = intake.read_place(who, fields, header_id)
    except ApiError as error:
        return replies.reply_of(error)
    return ask(who, command)


def check(owner: Owner | Identity, fields: Mapping[str, Any]) -> Reply:
    """Whether a place with these fields would be taken now; nothing is changed, nothing is kept."""
    who = _who(owner)
    try:
        order = intake.read_place(who, fields)
        return caller.default().read(messages.Check(owner_id=who.owner_id, key_id=who.key_id, order=order), who.shard)
    except ApiError as error:
        return replies.reply_of(error)
    except caller.NotAccepted:
        return replies.not_accepted()


def cancel(owner: Owner | Identity, target: str, fields: Mapping[str, Any] | None = None, header_id: str = "") -> Reply:
    """Cancel one order: our id, or client:<request_id>."""
    who = _who(owner)
    try:
        command = intake.read_cancel(who, target, fields, header_id)
    except ApiError as error:
        return replies.reply_of(error)
    return ask(who, command)


def amend(owner: Owner | Identity, target: str, fields: Mapping[str, Any], header_id: str = "") -> Reply:
    """Another price or total quantity for one order."""
    who = _who(owner)
    try:
        command = intake.read_amend(who, target, fields, header_id)
    except ApiError as error:
        return replies.reply_of(error)
    return ask(who, command)


def cancel_all(
    owner: Owner | Identity,
    *,
    account_ids: list[int] | None = None,
    instrument_id: int | None = None,
    side: str | None = None,
    strategy_id: str | None = None,
) -> Reply:
    """Cancel every open order that passes the filters, on the accounts the caller reaches."""
    who = _who(owner)
    reach = intake.reachable(who)
    ids = reach if account_ids is None else [account_id for account_id in account_ids if account_id in reach]
    sweep = messages.CancelAll(
        owner_id=who.owner_id, key_id=who.key_id, account_ids=ids, instrument_id=instrument_id, side=side,
        strategy_id=strategy_id,
    )  # fmt: skip
    reply = ask(who, sweep)
    return reply if reply.status == 200 else _by_row(who, sweep, reply)


def _by_row(who: Identity, sweep: messages.CancelAll, instead: Reply) -> Reply:
    """A sweep that the bus did not carry goes by the urgent road; with PostgreSQL away too, it is said as it was."""
    try:
        return urgent.reply(urgent.wait(urgent.ask(sweep, who.shard, who.actor)))
    except DATABASE_AWAY:
        return instead


def ask(who: Identity, command: messages.Command) -> Reply:
    """Hand a command over and wait for its answer, however it ends."""
    try:
        return caller.default().send(command, who.shard)
    except caller.NotAccepted:
        return replies.not_accepted()
    except caller.NoAnswer:
        return look_up(who, command)


async def ask_async(who: Identity, command: messages.Command, look: Any) -> Reply:
    """The same from an event loop; `look` runs a look-up in a thread."""
    (reply,) = await gathering().answers(who.shard, [command])
    if reply is None:
        reply = await look(who, command)
    assert isinstance(reply, Reply)
    return reply


def ask_all(who: Identity, wishes: Sequence[messages.Command | Reply]) -> list[Reply]:
    """Hand several over together; what is refused already keeps its place among the answers."""
    commands = [wish for wish in wishes if not isinstance(wish, Reply)]
    try:
        heard = caller.default().send_many(commands, who.shard)
    except caller.NotAccepted:
        heard = [replies.not_accepted()] * len(commands)
    return _in_place(wishes, look_up_missing(who, commands, heard))


async def ask_all_async(who: Identity, wishes: Sequence[messages.Command | Reply], look: Any) -> list[Reply]:
    """The same from an event loop; `look` runs `look_up_missing` in a thread."""
    commands = [wish for wish in wishes if not isinstance(wish, Reply)]
    heard: caller.Answers = await gathering().answers(who.shard, commands)
    if None in heard:
        heard = await look(who, commands, heard)
    return _in_place(wishes, heard)


def _in_place(wishes: Sequence[messages.Command | Reply], heard: caller.Answers) -> list[Reply]:
    answers = iter(heard)
    told = [wish if isinstance(wish, Reply) else next(answers) for wish in wishes]
    assert None not in told
    return told  # type: ignore[return-value]


def look_up(who: Identity, command: messages.Command) -> Reply:
    """No answer was heard: PostgreSQL knows whether it was decided; else 504 and when a look-up is final."""
    reply = look_up_missing(who, [command], [None])[0]
    assert reply is not None
    return reply


def look_up_missing(who: Identity, commands: Sequence[messages.Command], heard: caller.Answers) -> caller.Answers:
    """The answers, with those nobody heard looked up: in one question, because nobody waits for five hundred."""
    missing = [place for place, reply in enumerate(heard) if reply is None]
    if not missing:
        return heard
    keys = {place: _keys(commands[place]) for place in missing}
    try:
        decided = _decided({key for found in keys.values() for key in found})
        again = [place for place in missing if decided.intersection(keys[place])]
        # known: answered from their rows, never decided again
        answers = caller.default().send_many([commands[place] for place in again], who.shard)
        for place, reply in zip(again, answers, strict=True):
            heard[place] = reply
    except (caller.NotAccepted, *DATABASE_AWAY):
        pass
    for place in missing:
        if heard[place] is None:
            heard[place] = replies.outcome_pending(getattr(commands[place], "request_id", ""))
    return heard


def _keys(command: messages.Command) -> list[tuple[int, str]]:
    """Under which (account, request_id) a command may have been decided."""
    request_id = getattr(command, "request_id", "")
    accounts = [command.account_id] if isinstance(command, messages.Place) else getattr(command, "account_ids", [])
    return [(account_id, request_id) for account_id in accounts] if request_id else []


def _decided(keys: Iterable[tuple[int, str]]) -> set[tuple[int, str]]:
    """Which of these were decided, by their rows."""
    by_account: dict[int, list[str]] = {}
    for account_id, request_id in keys:
        by_account.setdefault(account_id, []).append(request_id)
    found: set[tuple[int, str]] = set()
    for account_id, names in by_account.items():
        rows = Request.objects.filter(account_id=account_id, request_id__in=names)
        found.update((account_id, name) for name in rows.values_list("request_id", flat=True))
    return found


def set_halt(scope: str, key: str, state: str, *, by: str, reason: str = "", owner: Owner | None = None) -> Halt:
    """Write the state of trading in a scope; engines obey from their next transaction on, with or without the bus.

    An owner's own scope has one row, whatever door it came by.
    """
    if scope == Halt.Scope.OWNER and owner is not None:
        key = owner.name
    with transaction.atomic():
        halt, _ = Halt.objects.select_for_update().get_or_create(
            scope=scope, key=key, owner=owner, defaults={"version": 0}
        )
        before = {"was": halt.state, "tripped": halt.code} if halt.code else {"was": halt.state} if halt.version else {}
        halt.state, halt.reason, halt.set_by = state, reason[:200], by[:96]
        halt.code, halt.limit, halt.value, halt.until = "", None, None, None  # a person's word replaces what tripped
        halt.version += 1
        halt.save()
        lines.note(
            f"halt.{state}", actor=by, target=f"{scope}:{key}", owner_id=owner.pk if owner else None,
            reason=reason[:200], version=halt.version, **before,
        )  # fmt: skip
    return halt


def _who(owner: Owner | Identity) -> Identity:
    return owner if isinstance(owner, Identity) else identity_of(owner)
