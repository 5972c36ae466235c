/* A market that is elsewhere: its events in, what is believed of it out, and the queues its resting paper orders stand in. */
#include "binding.h"

PyObject *Core_set_mirror(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"instrument", "on", "front_ppm", "at_ns", NULL};
    uint32_t instrument, front_ppm = 0;
    long long at_ns = 0;
    int on = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&|$pO&L:set_mirror", names, convert_u32, &instrument, &on, convert_u32, &front_ppm,
                                     &at_ns))
        return NULL;
    return enter(self) ? answered(self, core_set_mirror(self->core, instrument, on, front_ppm, at_ns)) : NULL;
}

PyObject *Core_market(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    Py_buffer view;
    int64_t now_ns;
    if (!counted(n, 2) || !i64_from(a[1], &now_ns) || !enter(self) || PyObject_GetBuffer(a[0], &view, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *taken = NULL;
    if (view.len % 40)
        PyErr_SetString(PyExc_ValueError, "a market block must be whole records of 40 bytes");
    else if (now_ns < 0 || now_ns > CORE_TIME_MAX)
        PyErr_SetString(PyExc_ValueError, "a time must be from 0 to 2^62 ns");
    else {
        uint64_t since = clock_ns();
        taken = PyLong_FromSize_t(core_market(self->core, view.buf, (size_t)view.len / 40, now_ns));
        measured(self, STAGE_MARKET, since);
    }
    PyBuffer_Release(&view);
    if (taken != NULL && !enter(self)) Py_CLEAR(taken);
    return taken;
}

PyObject *Core_mirror(CoreObject *self, PyObject *instrument)
{
    uint32_t id;
    core_mirror_view v;
    if (!u32_from(instrument, &id) || !enter(self)) return NULL;
    if (!core_mirror_look(self->core, id, &v)) Py_RETURN_NONE;
    return Py_BuildValue("{sIsKsKsLsLsIsIsIsI}", "state", v.state, "seq", v.seq, "gaps", v.gaps, "heard_ns", (long long)v.heard_ns,
                         "clock_ns", (long long)v.clock_ns, "held", v.held, "levels", v.levels, "orders", v.orders, "front_ppm",
                         v.front_ppm);
}

PyObject *Core_queues(CoreObject *self, PyObject *unused)
{
    (void)unused;
    if (!enter(self)) return NULL;
    size_t count = core_queues(self->core, NULL, 0);
    core_queue_view *views = PyMem_Calloc(count + 1, sizeof *views);
    if (views == NULL) return PyErr_NoMemory();
    core_queues(self->core, views, count);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *row =
            Py_BuildValue("(KKL)", (unsigned long long)views[i].order_no, (unsigned long long)views[i].arrival, (long long)views[i].ahead);
        if (row == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    PyMem_Free(views);
    return list;
}

PyObject *Core_set_queue(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    core_queue_view v;
    if (!counted(n, 3) || !u64_from(a[0], &v.order_no) || !u64_from(a[1], &v.arrival) || !i64_from(a[2], &v.ahead) || !enter(self))
        return NULL;
    return PyBool_FromLong(core_set_queue(self->core, &v));
}
