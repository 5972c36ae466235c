/* Looking: books, orders, balances, positions, counters as Python's own objects. Nothing is changed. */
#include "binding.h"

PyObject *Core_best(CoreObject *self, PyObject *instrument)
{
    uint32_t id;
    core_quote bid = {0}, ask = {0};
    if (!u32_from(instrument, &id) || !enter(self)) return NULL;
    PyObject *bid_ticks = core_best(self->core, id, SIDE_BUY, &bid) ? PyLong_FromLongLong(bid.price_ticks) : Py_NewRef(Py_None);
    PyObject *ask_ticks = core_best(self->core, id, SIDE_SELL, &ask) ? PyLong_FromLongLong(ask.price_ticks) : Py_NewRef(Py_None);
    return Py_BuildValue("NLNL", bid_ticks, (long long)bid.qty_lots, ask_ticks, (long long)ask.qty_lots);
}

static PyObject *ladder_list(CoreObject *self, uint32_t instrument, unsigned side, size_t levels)
{
    core_quote *quotes = PyMem_New(core_quote, levels ? levels : 1);
    if (quotes == NULL) return PyErr_NoMemory();
    size_t count = core_depth(self->core, instrument, side, quotes, levels);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *pair = Py_BuildValue("LL", (long long)quotes[i].price_ticks, (long long)quotes[i].qty_lots);
        if (pair == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
    }
    PyMem_Free(quotes);
    return list;
}

PyObject *Core_depth(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t id, levels;
    if (!counted(n, 2) || !u32_from(a[0], &id) || !u32_from(a[1], &levels) || !enter(self)) return NULL;
    if (levels > 1u << 20) levels = 1u << 20;
    PyObject *bids = ladder_list(self, id, SIDE_BUY, levels), *asks = bids ? ladder_list(self, id, SIDE_SELL, levels) : NULL;
    if (asks != NULL) return Py_BuildValue("NN", bids, asks);
    Py_XDECREF(bids);
    return NULL;
}

PyObject *Core_cost_to_fill(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t id;
    uint8_t side;
    int64_t lots, filled = 0;
    i128 cost = 0;
    if (!counted(n, 3) || !u32_from(a[0], &id) || !u8_from(a[1], &side) || !i64_from(a[2], &lots) || !enter(self)) return NULL;
    if (side > SIDE_SELL) return answered(self, "a side must be SIDE_BUY or SIDE_SELL");
    core_cost_to_fill(self->core, id, side, lots, &filled, &cost);
    return Py_BuildValue("LN", (long long)filled, int_from_i128(cost));
}

PyObject *Core_order(CoreObject *self, PyObject *order_no)
{
    uint64_t number;
    core_report r;
    if (!u64_from(order_no, &number) || !enter(self)) return NULL;
    if (!core_order_view(self->core, number, &r)) Py_RETURN_NONE;
    return Py_BuildValue("{sIsIsisisisKsLsLsLsLsNsNsisIsI}", "account", r.account, "instrument", r.instrument, "side", r.side, "type",
                         r.type, "tif", r.tif, "strategy", (unsigned long long)r.strategy, "price_ticks", (long long)r.price_ticks,
                         "stop_ticks", (long long)r.stop_ticks, "qty_lots", (long long)r.qty_lots, "filled_lots", (long long)r.filled_lots,
                         "cum_cost", int_from_i128(r.cum_cost), "hold", int_from_i128(r.hold), "ord_status", r.ord_status, "flags", r.flags,
                         "spec_version", r.spec_version);
}

PyObject *Core_market_order(CoreObject *self, PyObject *order_no)
{
    uint64_t number;
    core_report r;
    if (!u64_from(order_no, &number) || !enter(self)) return NULL;
    if (!core_market_view(self->core, number, &r)) Py_RETURN_NONE;
    return Py_BuildValue("{sLsLsIsisI}", "price_ticks", (long long)r.price_ticks, "remaining_lots", (long long)r.qty_lots, "instrument",
                         r.instrument, "side", r.side, "flags", r.flags);
}

PyObject *Core_open_orders(CoreObject *self, PyObject *account)
{
    uint32_t id;
    if (!u32_from(account, &id) || !enter(self)) return NULL;
    size_t count = core_open_orders(self->core, id, NULL, 0);
    uint64_t *numbers = PyMem_New(uint64_t, count + 1);
    if (numbers == NULL) return PyErr_NoMemory();
    core_open_orders(self->core, id, numbers, count);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) { /* oldest first */
        PyObject *number = PyLong_FromUnsignedLongLong(numbers[count - 1 - i]);
        if (number == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, number);
    }
    PyMem_Free(numbers);
    return list;
}

PyObject *Core_balance(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t account, asset;
    i128 total, hold;
    if (!counted(n, 2) || !u32_from(a[0], &account) || !u32_from(a[1], &asset) || !enter(self)) return NULL;
    core_balance(self->core, account, asset, &total, &hold);
    return Py_BuildValue("NN", int_from_i128(total), int_from_i128(hold));
}

PyObject *Core_position(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t account, instrument;
    uint64_t strategy;
    core_position_view p;
    if (!counted(n, 3) || !u32_from(a[0], &account) || !u32_from(a[1], &instrument) || !u64_from(a[2], &strategy) || !enter(self))
        return NULL;
    if (!core_position(self->core, account, instrument, strategy, &p)) Py_RETURN_NONE;
    return Py_BuildValue("NNNN", int_from_i128(p.qty), int_from_i128(p.cost), int_from_i128(p.realised), int_from_i128(p.fees));
}

PyObject *Core_account_position(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t account, instrument;
    core_position_view p;
    if (!counted(n, 2) || !u32_from(a[0], &account) || !u32_from(a[1], &instrument) || !enter(self)) return NULL;
    if (!core_account_position(self->core, account, instrument, &p)) Py_RETURN_NONE;
    return Py_BuildValue("NNNN", int_from_i128(p.qty), int_from_i128(p.cost), int_from_i128(p.realised), int_from_i128(p.fees));
}

PyObject *Core_positions(CoreObject *self, PyObject *account)
{
    uint32_t id;
    if (!u32_from(account, &id) || !enter(self)) return NULL;
    size_t count = core_positions(self->core, id, NULL, 0);
    core_position_view *views = PyMem_Malloc((count + 1) * sizeof *views);
    if (views == NULL) return PyErr_NoMemory();
    core_positions(self->core, id, views, count);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        const core_position_view *p = &views[i];
        PyObject *row = Py_BuildValue("IKNNNN", p->instrument, (unsigned long long)p->strategy, int_from_i128(p->qty),
                                      int_from_i128(p->cost), int_from_i128(p->realised), int_from_i128(p->fees));
        if (row == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    PyMem_Free(views);
    return list;
}

PyObject *Core_stats(CoreObject *self, PyObject *unused)
{
    (void)unused;
    core_counters s;
    if (!enter(self)) return NULL;
    core_stats(self->core, &s);
    return Py_BuildValue("{sKsKsKsKsKsKsKsKsKsK}", "orders_open", s.orders_open, "orders_market", s.orders_market, "commands", s.commands,
                         "reports", s.reports, "checks", s.checks, "trades", s.trades, "quantity", s.quantity, "trade_hash", s.trade_hash,
                         "memory_bytes", s.memory_bytes, "tape_lost", s.tape_lost);
}
