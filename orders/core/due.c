/* What an order with terms has to do once the command that caused it is over: a trigger reached, a child to be born, a
 * sibling to be told. It waits in a list through its own record, so nothing is allocated in the middle of a match; each
 * step finds its own room in the ring, and what finds none waits for the next draining. */
#include "state.h"

#define STEP_REPORTS 8u

void due_push(core *c, uint32_t terms, uint32_t what, int64_t at_ns)
{
    terms_row *t = TERMS(c, terms);
    t->due |= what;
    t->due_at_ns = at_ns;
    if (t->queued) return;
    t->queued = true;
    t->due_next = 0;
    if (c->due_tail)
        TERMS(c, c->due_tail)->due_next = terms;
    else
        c->due_head = terms;
    c->due_tail = terms;
}

static void due_pop(core *c)
{
    terms_row *t = TERMS(c, c->due_head);
    uint32_t order = t->order;
    t->queued = false;
    c->due_head = t->due_next;
    if (c->due_head == 0) c->due_tail = 0;
    order_drop_if_gone(c, order);
}

/* A leg whose other leg has traded meanwhile hears of it before it acts, or both would trade the same lots. */
static bool hears_first(core *c, const terms_row *t)
{
    terms_row *other = t->sibling && ORDER(c, t->sibling)->terms ? TERMS(c, ORDER(c, t->sibling)->terms) : NULL;
    uint32_t news = other ? other->due & DUE_OF_SIBLINGS : 0;
    if (news == 0) return false;
    other->due &= ~(uint32_t)DUE_OF_SIBLINGS;
    contingent_follow(c, t->sibling, news);
    return true;
}

/* The next thing this order has to do; false when the ring must be drained first. */
static bool step(core *c, uint32_t terms)
{
    terms_row *t = TERMS(c, terms);
    uint32_t slot = t->order, due = t->due;
    if (!ring_reserve(c, STEP_REPORTS)) return false;
    if (!ORDER(c, slot)->in_account) due &= DUE_OF_SIBLINGS; /* it is over: only the others remain to be told */
    if (due & DUE_MOVED) {
        t->due &= ~(uint32_t)DUE_MOVED;
        trigger_restate(c, terms);
    } else if (due & DUE_OF_SIBLINGS) {
        t->due &= ~(uint32_t)DUE_OF_SIBLINGS;
        contingent_follow(c, slot, due & DUE_OF_SIBLINGS);
    } else if (due & DUE_TRIGGERED) {
        if (hears_first(c, t)) return true;
        t->due &= ~(uint32_t)DUE_TRIGGERED;
        trigger_act(c, terms);
    } else if (due & DUE_ENTERS) {
        if (!trigger_enter_market(c, terms)) return false;
        t->due &= ~(uint32_t)DUE_ENTERS;
    } else {
        t->due = 0;
    }
    return true;
}

bool due_drain(core *c)
{
    while (c->due_head && c->broken == NULL) {
        if (!step(c, c->due_head)) return false;
        if (TERMS(c, c->due_head)->due == 0) due_pop(c);
    }
    return true;
}

bool due_catch_up(core *c, int64_t at_ns) { return due_drain(c) && expiry_run(c, at_ns); }
