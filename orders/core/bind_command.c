/* Commands: one a call, or a batch of packed records; their reports and the tape out. This is what must be fast: arguments are
 * read in place, no object is made but the answer, and a batch's reports are written straight into the bytes Python gets. */
#include "binding.h"

static bool place_from(PyObject *const *a, core_command *m)
{
    return i64_from(a[0], &m->at_ns) && u64_from(a[1], &m->order_no) && u32_from(a[2], &m->account) && u32_from(a[3], &m->instrument) &&
           u32_from(a[4], &m->spec_version) && u8_from(a[5], &m->side) && u8_from(a[6], &m->type) && u8_from(a[7], &m->tif) &&
           u32_from(a[8], &m->flags) && u64_from(a[9], &m->strategy) && i64_from(a[10], &m->price_ticks) && i64_from(a[11], &m->qty_lots);
}

PyObject *Core_place(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    core_command m = {.op = OP_PLACE};
    if (!(n == 13 || counted(n, 12)) || !place_from(a, &m) || (n == 13 && !u32_from(a[12], &m.key)) || !enter(self)) return NULL;
    uint64_t since = measure_call(self);
    unsigned reason = core_place(self->core, &m, 0);
    measured(self, STAGE_PLACE, since);
    return reasoned(self, reason);
}

static bool terms_from(PyObject *const *a, core_terms *t)
{
    int64_t *terms[] = {&t->stop_ticks, &t->trail, &t->expires_at_ns, &t->tp_ticks, &t->sl_stop_ticks, &t->sl_limit_ticks};
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++)
        if (!i64_from(a[i], terms[i])) return false;
    return true;
}

PyObject *Core_place_with(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    core_command m = {.op = OP_PLACE};
    core_terms t = {.op = OP_TERMS};
    if (!counted(n, 19) || !place_from(a, &m) || !u32_from(a[12], &m.key) || !terms_from(a + 13, &t)) return NULL;
    return enter(self) ? reasoned(self, core_place_with(self->core, &m, &t, 0)) : NULL;
}

static PyObject *verdict(const core_verdict *v)
{
    if (!v->bounded) return Py_BuildValue("iOOOO", (int)v->reason, v->ok ? Py_True : Py_False, Py_None, Py_None, Py_None);
    return Py_BuildValue("iONNN", (int)v->reason, v->ok ? Py_True : Py_False, int_from_i128(v->limit), int_from_i128(v->value),
                         int_from_i128(v->room));
}

PyObject *Core_check(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    core_command m = {.op = OP_PLACE};
    core_terms t = {.op = OP_TERMS};
    core_verdict v[CORE_VERDICTS_MAX];
    if (!(n == 13 || n == 19 || counted(n, 12)) || !place_from(a, &m) || (n >= 13 && !u32_from(a[12], &m.key))) return NULL;
    if ((n == 19 && !terms_from(a + 13, &t)) || !enter(self)) return NULL;
    size_t count = core_check(self->core, &m, &t, v);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *row = verdict(&v[i]);
        if (row == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    return list;
}

/* The caller names an order by number alone, so it is told apart here whether it is an agent's. */
static uint32_t agent_flag(const core *c, uint64_t order_no) { return core_market_flags(c, order_no) & FLAG_AGENT; }

PyObject *Core_sweep(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    core_command m = {.op = OP_SWEEP};
    if (!(n == 6 || counted(n, 5)) || !i64_from(a[0], &m.at_ns) || !u32_from(a[1], &m.account) || !u32_from(a[2], &m.instrument) ||
        !u64_from(a[3], &m.strategy) || !u8_from(a[4], &m.side) || (n == 6 && !u64_from(a[5], &m.order_no)) || !enter(self))
        return NULL;
    return reasoned(self, core_sweep(self->core, &m, 0));
}

PyObject *Core_time(CoreObject *self, PyObject *at_ns)
{
    int64_t at;
    return i64_from(at_ns, &at) && enter(self) ? reasoned(self, core_at(self->core, at)) : NULL;
}

PyObject *Core_cancel(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    core_command m = {.op = OP_CANCEL};
    if (!counted(n, 2) || !i64_from(a[0], &m.at_ns) || !u64_from(a[1], &m.order_no) || !enter(self)) return NULL;
    m.flags = agent_flag(self->core, m.order_no);
    uint64_t since = measure_call(self);
    unsigned reason = core_cancel(self->core, &m, 0);
    measured(self, STAGE_CANCEL, since);
    return reasoned(self, reason);
}

PyObject *Core_amend(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    core_command m = {.op = OP_AMEND};
    if (!counted(n, 5) || !i64_from(a[0], &m.at_ns) || !u64_from(a[1], &m.order_no) || !u32_from(a[2], &m.flags) ||
        !i64_from(a[3], &m.price_ticks) || !i64_from(a[4], &m.qty_lots) || !enter(self))
        return NULL;
    m.flags |= agent_flag(self->core, m.order_no);
    uint64_t since = measure_call(self);
    unsigned reason = core_amend(self->core, &m, 0);
    measured(self, STAGE_AMEND, since);
    return reasoned(self, reason);
}

static PyObject *drained(CoreObject *self)
{
    const core_report *first;
    size_t used = core_reports(self->core, &first);
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)first, (Py_ssize_t)used);
    if (bytes != NULL) core_reports_clear(self->core);
    return bytes;
}

/* A batch on its way. Its reports are written where Python will read them; the ring is for what finds no room there. */
#define BYTES_A_COMMAND 256u /* most commands make one short report, some a few whole ones */
#define BYTES_TO_SPARE 4096u /* a command, until there are enough for any that meets many orders */
#define BYTES_TO_SPARE_MOST ((size_t)1 << 17)
typedef struct {
    const core_command *commands;
    size_t count, done;
    uint8_t *out; /* the memory of a bytes object that nobody else has yet */
    size_t used, room;
} core_batch;

/* Runs until all is done or the room is too small for what waits in the ring; returns how many bytes wait. No Python. */
static size_t run_batch(core *c, core_batch *b)
{
    for (;;) {
        const core_report *first;
        size_t waiting = core_reports(c, &first), left = b->count - b->done;
        if (waiting > b->room - b->used) return waiting;
        memcpy(b->out + b->used, first, waiting);
        b->used += waiting;
        core_reports_clear(c);
        if ((left == 0 && core_idle(c)) || core_broken(c) != NULL) return 0;
        core_lend(c, b->out + b->used, b->room - b->used);
        b->done += core_process(c, b->commands + b->done, left, b->done);
        b->used += core_take_back(c);
    }
}

_Static_assert(offsetof(PyBytesObject, ob_sval) % 16 == 0, "reports are written straight into bytes");
static PyObject *process_buffer(CoreObject *self, const Py_buffer *view)
{
    const core_report *first;
    core_batch b = {.commands = view->buf, .count = (size_t)view->len / sizeof(core_command)};
    size_t waiting = core_reports(self->core, &first);
    uint64_t since = clock_ns();
    PyObject *out = PyBytes_FromStringAndSize(NULL, 0);
    do {
        size_t left = b.count - b.done, spare = left * BYTES_TO_SPARE;
        b.room = b.used + waiting + left * BYTES_A_COMMAND + (spare < BYTES_TO_SPARE_MOST ? spare : BYTES_TO_SPARE_MOST);
        if (out == NULL || _PyBytes_Resize(&out, (Py_ssize_t)b.room) < 0) return NULL;
        b.out = (uint8_t *)PyBytes_AS_STRING(out);
        self->busy = true;
        Py_BEGIN_ALLOW_THREADS waiting = run_batch(self->core, &b);
        Py_END_ALLOW_THREADS self->busy = false;
    } while (waiting);
    if (_PyBytes_Resize(&out, (Py_ssize_t)b.used) < 0) return NULL;
    measured(self, STAGE_BATCH, since);
    if (b.count) histogram_record(&self->stages[STAGE_COMMAND], (clock_ns() - since) / b.count);
    if (!enter(self)) Py_CLEAR(out);
    return out;
}

PyObject *Core_reports(CoreObject *self, PyObject *unused)
{
    (void)unused;
    static const core_command none = {0};
    if (!enter(self)) return NULL;
    return core_idle(self->core) ? drained(self) : process_buffer(self, &(Py_buffer){.buf = (void *)(uintptr_t)&none, .len = 0});
}

PyObject *Core_process(CoreObject *self, PyObject *commands)
{
    Py_buffer view;
    if (!enter(self) || PyObject_GetBuffer(commands, &view, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *out = NULL;
    if (view.len % (Py_ssize_t)sizeof(core_command) || (uintptr_t)view.buf % _Alignof(core_command))
        PyErr_SetString(PyExc_ValueError, "commands must be whole packed records, aligned to 8 bytes");
    else
        out = process_buffer(self, &view);
    PyBuffer_Release(&view);
    return out;
}

PyObject *Core_tape(CoreObject *self, PyObject *unused)
{
    (void)unused;
    if (!enter(self)) return NULL;
    size_t count = core_tape_count(self->core);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * sizeof(core_tape)));
    if (bytes != NULL) core_tape_take(self->core, (core_tape *)(void *)PyBytes_AS_STRING(bytes), count);
    return bytes;
}
