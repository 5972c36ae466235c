/* The world told to the core: instruments, accounts, limits, halts, gates, outcomes, money; and the trips it answers with. Each
 * is journalled by the engine with its arguments, so an argument has one meaning for ever. */
#include "binding.h"

PyObject *Core_set_instrument(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"instrument",
                            "exchange",
                            "spec_version",
                            "base_asset",
                            "quote_asset",
                            "base_unit",
                            "quote_unit",
                            "quantity_min_lots",
                            "quantity_max_lots",
                            "notional_min",
                            "status",
                            "maker_fee_ppm",
                            "taker_fee_ppm",
                            "kind",
                            "settle_asset",
                            "stale_after_ns",
                            NULL};
    uint32_t id;
    core_instrument_spec s = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&O&O&O&O&O&O&LLO&O&O&O&|$O&O&L:set_instrument", names, convert_u32, &id, convert_u32,
                                     &s.exchange, convert_u32, &s.spec_version, convert_u32, &s.base_asset, convert_u32, &s.quote_asset,
                                     convert_i128, &s.base_unit, convert_i128, &s.quote_unit, &s.qty_min_lots, &s.qty_max_lots,
                                     convert_i128, &s.notional_min, convert_u32, &s.status, convert_u32, &s.maker_fee_ppm, convert_u32,
                                     &s.taker_fee_ppm, convert_u32, &s.kind, convert_u32, &s.settle_asset, &s.stale_after_ns))
        return NULL;
    return enter(self) ? answered(self, core_set_instrument(self->core, id, &s)) : NULL;
}

PyObject *Core_set_account(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"account", "owner", "exchange", "reporting_asset", "margin", NULL};
    uint32_t account;
    core_account_spec s = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&O&|$O&O&O&:set_account", names, convert_u32, &account, convert_u32, &s.owner,
                                     convert_u32, &s.exchange, convert_u32, &s.reporting_asset, convert_u32, &s.margin))
        return NULL;
    return enter(self) ? answered(self, core_set_account(self->core, account, &s)) : NULL;
}

static const struct {
    const char *name;
    size_t at;
    bool amount;
} LIMITS[] = {
#define NAMED(name) {#name, offsetof(core_limits, name), false},
    CORE_LIMIT_COUNTS(NAMED)
#undef NAMED
#define NAMED(name) {#name, offsetof(core_limits, name), true},
        CORE_LIMIT_AMOUNTS(NAMED)
#undef NAMED
};

static bool limit_from(core_limits *l, PyObject *name, PyObject *value)
{
    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++) {
        if (PyUnicode_CompareWithASCIIString(name, LIMITS[i].name) != 0) continue;
        void *at = (char *)l + LIMITS[i].at;
        return LIMITS[i].amount ? i128_from_int(value, at) : u32_from(value, at);
    }
    PyErr_Format(PyExc_TypeError, "there is no limit %U", name);
    return false;
}

PyObject *Core_set_limits(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    uint32_t scope;
    uint64_t key;
    core_limits l = {0};
    PyObject *name, *value;
    Py_ssize_t at = 0;
    if (!PyArg_ParseTuple(args, "O&O&:set_limits", convert_u32, &scope, convert_u64, &key)) return NULL;
    while (kwargs != NULL && PyDict_Next(kwargs, &at, &name, &value))
        if (!limit_from(&l, name, value)) return NULL;
    return enter(self) ? answered(self, core_set_limits(self->core, scope, key, &l)) : NULL;
}

PyObject *Core_clear_limits(CoreObject *self, PyObject *args)
{
    uint32_t scope;
    uint64_t key;
    if (!PyArg_ParseTuple(args, "O&O&:clear_limits", convert_u32, &scope, convert_u64, &key)) return NULL;
    return enter(self) ? answered(self, core_clear_limits(self->core, scope, key)) : NULL;
}

PyObject *Core_set_halt(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"scope", "key", "state", "reason", "until_ns", "limit", "value", NULL};
    core_trip t = {0};
    uint32_t state, reason = 0;
    long long until = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&O&O&|O&LO&O&:set_halt", names, convert_u32, &t.scope, convert_u64, &t.key,
                                     convert_u32, &state, convert_u32, &reason, &until, convert_i128, &t.limit, convert_i128, &t.value))
        return NULL;
    t.state = state > UINT8_MAX ? UINT8_MAX : (uint8_t)state;
    t.reason = (uint16_t)reason;
    t.until_ns = until;
    return enter(self) ? answered(self, core_stop(self->core, &t)) : NULL;
}

PyObject *Core_set_gates(CoreObject *self, PyObject *args)
{
    uint32_t scope, closed;
    uint64_t key;
    if (!PyArg_ParseTuple(args, "O&O&O&:set_gates", convert_u32, &scope, convert_u64, &key, convert_u32, &closed)) return NULL;
    return enter(self) ? answered(self, core_set_gates(self->core, scope, key, closed)) : NULL;
}

PyObject *Core_outcome(CoreObject *self, PyObject *args)
{
    uint32_t account, exchange, outcome;
    long long at_ns;
    if (!PyArg_ParseTuple(args, "O&O&O&L:outcome", convert_u32, &account, convert_u32, &exchange, convert_u32, &outcome, &at_ns))
        return NULL;
    return enter(self) ? answered(self, core_outcome(self->core, account, exchange, outcome, at_ns)) : NULL;
}

PyObject *Core_watch(CoreObject *self, PyObject *at_ns)
{
    int64_t at;
    if (!i64_from(at_ns, &at) || !enter(self)) return NULL;
    core_watch(self->core, at);
    Py_RETURN_NONE;
}

PyObject *Core_trips(CoreObject *self, PyObject *unused)
{
    (void)unused;
    core_trip trips[16];
    if (!enter(self)) return NULL;
    size_t count = core_trips_take(self->core, trips, sizeof trips / sizeof *trips);
    return PyBytes_FromStringAndSize((const char *)trips, (Py_ssize_t)(count * sizeof *trips));
}

PyObject *Core_post(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"account", "asset", "amount", "flow", NULL};
    uint32_t account, asset;
    i128 amount, total;
    int flow = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&O&O&|$p:post", names, convert_u32, &account, convert_u32, &asset, convert_i128,
                                     &amount, &flow))
        return NULL;
    if (!enter(self)) return NULL;
    const char *why = core_post(self->core, account, asset, amount, flow, &total);
    return why ? answered(self, why) : int_from_i128(total);
}

PyObject *Core_reset_account(CoreObject *self, PyObject *account)
{
    uint32_t id;
    return u32_from(account, &id) && enter(self) ? answered(self, core_reset_account(self->core, id)) : NULL;
}

PyObject *Core_take_position(CoreObject *self, PyObject *args)
{
    uint32_t account, instrument;
    uint64_t strategy;
    i128 held[4];
    if (!PyArg_ParseTuple(args, "O&O&O&O&O&O&O&:take_position", convert_u32, &account, convert_u32, &instrument, convert_u64, &strategy,
                          convert_i128, &held[0], convert_i128, &held[1], convert_i128, &held[2], convert_i128, &held[3]))
        return NULL;
    return enter(self) ? answered(self, core_take_position(self->core, account, instrument, strategy, held)) : NULL;
}
