/* A core out of what was kept of another: reports applied, checkpoints, forks; and what tells that both are the same: the hash,
 * the invariants walked, a fault planted. */
#include "binding.h"

PyObject *Core_apply(CoreObject *self, PyObject *reports)
{
    Py_buffer view;
    if (!enter(self) || PyObject_GetBuffer(reports, &view, PyBUF_SIMPLE) < 0) return NULL;
    uint64_t since = clock_ns();
    PyObject *answer = answered(self, core_apply(self->core, view.buf, (size_t)view.len));
    measured(self, STAGE_APPLY, since);
    PyBuffer_Release(&view);
    return answer;
}

PyObject *Core_rebuild_books(CoreObject *self, PyObject *unused)
{
    (void)unused;
    size_t placed;
    if (!enter(self)) return NULL;
    const char *why = core_rebuild_books(self->core, &placed);
    return why ? answered(self, why) : PyLong_FromSize_t(placed);
}

PyObject *Core_advance_trade_no(CoreObject *self, PyObject *trade_no)
{
    uint64_t number;
    if (!u64_from(trade_no, &number) || !enter(self)) return NULL;
    core_advance_trade_no(self->core, number);
    Py_RETURN_NONE;
}

PyObject *Core_checkpoint(CoreObject *self, PyObject *unused)
{
    (void)unused;
    if (!enter(self)) return NULL;
    uint64_t since = clock_ns();
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)core_checkpoint_size(self->core));
    if (bytes != NULL) core_checkpoint(self->core, (uint8_t *)PyBytes_AS_STRING(bytes));
    measured(self, STAGE_CHECKPOINT, since);
    return bytes;
}

PyObject *Core_restore(CoreObject *self, PyObject *state)
{
    Py_buffer view;
    if (!enter(self) || PyObject_GetBuffer(state, &view, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *answer = answered(self, core_restore(self->core, view.buf, (size_t)view.len));
    PyBuffer_Release(&view);
    return answer;
}

PyObject *Core_hash(CoreObject *self, PyObject *unused)
{
    (void)unused;
    return enter(self) ? PyLong_FromUnsignedLongLong(core_hash(self->core)) : NULL;
}

PyObject *Core_fork(CoreObject *self, PyObject *unused)
{
    (void)unused;
    if (!enter(self)) return NULL;
    PyTypeObject *type = Py_TYPE(self);
    CoreObject *fork = (CoreObject *)type->tp_alloc(type, 0);
    if (fork == NULL) return NULL;
    fork->error = Py_NewRef(self->error);
    fork->every = fork->left = self->every;
    fork->stages = PyMem_Calloc(STAGES, sizeof *fork->stages);
    fork->core = fork->stages ? core_fork(self->core) : NULL;
    if (fork->core != NULL) return (PyObject *)fork;
    Py_DECREF(fork);
    return PyErr_NoMemory();
}

PyObject *Core_verify(CoreObject *self, PyObject *unused)
{
    (void)unused;
    return enter(self) ? answered(self, core_verify(self->core)) : NULL;
}

PyObject *Core_fail_at(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"point", "nth", NULL};
    const char *point;
    uint64_t nth;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO&:fail_at", names, &point, convert_u64, &nth) || !enter(self)) return NULL;
    bool kills = strcmp(point, "core.fills") == 0;
    if (!kills && strcmp(point, "market.report") != 0) return answered(self, "there is no such failpoint");
    core_fail_at_report(self->core, nth, kills);
    Py_RETURN_NONE;
}
