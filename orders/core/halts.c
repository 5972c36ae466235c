/* Halts and gates by scope: what a person, a trip or the state of the world stops. A row is never removed, so a clash of
 * keys moves on by one and stays found. A lock of time is past when a command's time is; the row says so later. */
#include "state.h"

uint64_t scope_key(unsigned scope, uint64_t key) { return fixed_mix(key + ((uint64_t)scope << 56)); }

uint64_t scope_of(unsigned scope, const core_account *a, const core_instrument *in, uint64_t strategy, uint32_t key)
{
    switch (scope) {
    case SCOPE_EXCHANGE: return in ? in->spec.exchange : 0;
    case SCOPE_OWNER: return a ? a->owner : 0;
    case SCOPE_ACCOUNT: return a ? a->id : 0;
    case SCOPE_STRATEGY: return strategy;
    case SCOPE_INSTRUMENT: return in ? in->id : 0;
    case SCOPE_KEY: return key;
    case SCOPE_POSITION: return a && in ? (uint64_t)a->id << 32 | in->id : 0;
    default: return 0;
    }
}

/* Two scopes never share a key by accident: the row is compared in full. */
uint32_t halt_find(const core *c, unsigned scope, uint64_t key, uint64_t *table_key)
{
    for (*table_key = scope_key(scope, key);; ++*table_key) {
        uint32_t slot = table_get(&c->halt_ids, *table_key);
        if (slot == 0 || (HALT(c, slot)->key == key && HALT(c, slot)->scope == scope)) return slot;
    }
}

void halt_look(const core *c, const core_account *a, const core_instrument *in, const core_command *m, halt_view *out)
{
    uint64_t unused;
    *out = (halt_view){0};
    for (unsigned scope = 0; scope < SCOPE_COUNT; scope++) {
        uint64_t key = scope_of(scope, a, in, m->strategy, m->key);
        if (scope == SCOPE_ACCOUNT) key = m->account;
        if (scope == SCOPE_INSTRUMENT) key = m->instrument;
        uint32_t slot = halt_find(c, scope, key, &unused);
        if (slot == 0) continue;
        const core_halt_row *h = HALT(c, slot);
        if ((h->until_ns == 0 || h->until_ns > m->at_ns) && out->worst[h->state] == NULL) out->worst[h->state] = h;
        for (unsigned gate = 0; gate < 3; gate++)
            if (h->gates >> gate & 1) out->closed[gate] = h;
    }
}

static core_halt_row *halt_row(core *c, unsigned scope, uint64_t key, const char **why)
{
    uint64_t table_key;
    *why = "a halt of a scope that does not exist";
    if (scope >= SCOPE_COUNT) return NULL;
    uint32_t slot = halt_find(c, scope, key, &table_key);
    *why = "no room for one more halt";
    if (slot == 0) {
        if (!pool_reserve(c, &c->halts, 1) || !table_reserve(c, &c->halt_ids, 1)) return NULL;
        slot = pool_take(&c->halts);
        HALT(c, slot)->scope = scope;
        HALT(c, slot)->key = key;
        table_put(&c->halt_ids, table_key, slot);
    }
    *why = NULL;
    return HALT(c, slot);
}

static bool counts(const core_halt_row *h) { return h->state != HALT_ACTIVE || h->gates; }

const char *core_set_halt(core *c, unsigned scope, uint64_t key, unsigned state)
{
    if (state > HALT_HALTED) return "a halt must be active, reducing or halted";
    return core_stop(c, &(core_trip){.scope = scope, .key = key, .state = (uint8_t)state});
}

const char *core_stop(core *c, const core_trip *t)
{
    const char *why;
    if (t->state > HALT_HALTED) return "a halt must be active, reducing or halted";
    core_halt_row *h = halt_row(c, t->scope, t->key, &why);
    if (h == NULL) return why;
    bool before = counts(h), lifted = t->state == HALT_ACTIVE && h->state != HALT_ACTIVE;
    h->state = t->state;
    h->reason = t->state == HALT_ACTIVE ? REASON_NONE : t->reason;
    h->until_ns = t->state == HALT_ACTIVE ? 0 : t->until_ns;
    h->limit = t->limit;
    h->value = t->value;
    c->halts_on += (uint32_t)counts(h) - (uint32_t)before;
    if (lifted) trip_forget(c, t->scope, t->key);
    return NULL;
}

const char *core_set_gates(core *c, unsigned scope, uint64_t key, uint32_t closed)
{
    const char *why;
    if (closed >= GATE_CLOCK * 2) return "a gate that does not exist";
    if (scope != SCOPE_ACCOUNT && scope != SCOPE_EXCHANGE) return "only accounts and exchanges have gates";
    core_halt_row *h = halt_row(c, scope, key, &why);
    if (h == NULL) return why;
    bool before = counts(h);
    h->gates = (uint8_t)closed;
    c->halts_on += (uint32_t)counts(h) - (uint32_t)before;
    return NULL;
}
