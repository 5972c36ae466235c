/* What the controls share: the order under decision, and the few ways a control says yes or no. Private to the controls.
 *
 * Every control is compiled twice, into the decision (all = false: the first no ends it) and into the check (all = true: each
 * control leaves its verdict and the next one is asked), so the two cannot differ and the decision pays nothing for the other. */
#ifndef MERIDIAN_RISK_H
#define MERIDIAN_RISK_H

#include "state.h"

#define RISK_INLINE static inline __attribute__((always_inline))
#define RISK_BP 10000
#define MESSAGES_KEPT_PERCENT 30 /* of a burst: only cancels may use the last of it */

typedef struct {
    const core *c;
    const core_command *m;
    const core_account *account;       /* NULL when unknown */
    const core_instrument *instrument; /* NULL when unknown */
    const core_order *amended;         /* NULL: a new order */
    bool unwinds;                      /* a flatten's, and surely reduces */
    risk_decision *d;
    core_verdict *verdicts; /* of a check */
    uint32_t count;
    i128 notional;
    i128 held; /* what an amend gives back before it takes */
    i128 free;
    limits_view limits;
} risk_order;

bool risk_reduces(risk_order *r);
bool prices_allow(risk_order *r, bool all);    /* prices.c */
bool exposure_allows(risk_order *r, bool all); /* exposure.c */

static inline bool risk_note(risk_order *r, unsigned reason, bool ok, bool bounded, i128 limit, i128 value, i128 room)
{
    if (r->count < CORE_VERDICTS_MAX) r->verdicts[r->count++] = (core_verdict){(uint16_t)reason, ok, bounded, limit, value, room};
    return true;
}

/* No, and nothing after it can be asked. */
static inline bool risk_refuse(risk_order *r, unsigned reason, i128 limit, i128 value)
{
    if (r->verdicts) risk_note(r, reason, false, true, limit, value, limit - value);
    if (r->d->reason) return false; /* a check keeps the first */
    r->d->reason = reason;
    r->d->limit = limit;
    r->d->value = value;
    return false;
}

RISK_INLINE bool risk_must(risk_order *r, bool all, unsigned reason, bool ok, i128 limit, i128 value)
{
    if (all) return risk_note(r, reason, ok, limit || value, limit, value, limit - value);
    return ok || risk_refuse(r, reason, limit, value);
}

/* limit 0: there is none */
RISK_INLINE bool risk_at_most(risk_order *r, bool all, unsigned reason, i128 limit, i128 value)
{
    bool ok = limit == 0 || value <= limit;
    if (all) return risk_note(r, reason, ok, limit != 0, limit, value, limit - value);
    return ok || risk_refuse(r, reason, limit, value);
}

RISK_INLINE bool risk_at_least(risk_order *r, bool all, unsigned reason, i128 limit, i128 value)
{
    bool ok = value >= limit;
    if (all) return risk_note(r, reason, ok, limit != 0, limit, value, value - limit);
    return ok || risk_refuse(r, reason, limit, value);
}

/* The value is the time to wait, 0 = none. */
RISK_INLINE bool risk_rate(risk_order *r, bool all, unsigned reason, uint32_t limit, i128 wait)
{
    if (all) return risk_note(r, reason, wait == 0, limit != 0, limit, wait, -wait);
    return wait == 0 || risk_refuse(r, reason, limit, wait);
}

#endif
