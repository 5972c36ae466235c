/* orders._edge: text and COPY bytes of what the engine counts in. Only here Python is known. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "edge.h"

static bool amount_from(PyObject *o, i128 *out)
{
    int overflow;
    long long small = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (!overflow) {
        *out = small;
        return !(small == -1 && PyErr_Occurred());
    }
    uint64_t low = PyLong_AsUnsignedLongLongMask(o);
    PyObject *by = PyLong_FromLong(64), *shifted = by ? PyNumber_Rshift(o, by) : NULL;
    Py_XDECREF(by);
    if (shifted == NULL) return false;
    long long high = PyLong_AsLongLongAndOverflow(shifted, &overflow);
    Py_DECREF(shifted);
    if (overflow) {
        PyErr_SetString(PyExc_OverflowError, "an amount must fit 128 bits");
        return false;
    }
    *out = (i128)(((u128)(uint64_t)high << 64) | low);
    return true;
}

static PyObject *int_word; /* "int", the attribute of a uuid.UUID */

static bool uuid_from(PyObject *o, uint64_t *high, uint64_t *low)
{
    PyObject *number = PyObject_GetAttr(o, int_word), *by = NULL, *shifted = NULL;
    if (number != NULL && (by = PyLong_FromLong(64)) != NULL) shifted = PyNumber_Rshift(number, by);
    if (shifted != NULL) {
        *low = PyLong_AsUnsignedLongLongMask(number);
        *high = PyLong_AsUnsignedLongLongMask(shifted);
    }
    Py_XDECREF(number);
    Py_XDECREF(by);
    Py_XDECREF(shifted);
    return !PyErr_Occurred();
}

static PyObject *edge_decimal(PyObject *self, PyObject *amount)
{
    (void)self;
    i128 x;
    char text[DECIMAL_TEXT_MAX];
    return amount_from(amount, &x) ? PyUnicode_FromStringAndSize(text, (Py_ssize_t)decimal_text(x, text)) : NULL;
}

static PyObject *edge_iso(PyObject *self, PyObject *at_ns)
{
    (void)self;
    char text[ISO_TEXT_MAX];
    long long at = PyLong_AsLongLong(at_ns);
    if (at == -1 && PyErr_Occurred()) return NULL;
    size_t size = iso_text(at, text);
    if (size) return PyUnicode_FromStringAndSize(text, (Py_ssize_t)size);
    PyErr_SetString(PyExc_ValueError, "a moment must lie in the years 1 to 9999");
    return NULL;
}

static PyObject *edge_uuid(PyObject *self, PyObject *uuid)
{
    (void)self;
    uint64_t high, low;
    char text[UUID_TEXT_MAX];
    return uuid_from(uuid, &high, &low) ? PyUnicode_FromStringAndSize(text, (Py_ssize_t)uuid_text(high, low, text)) : NULL;
}

/* The bytes of a str or bytes; NULL with an error set for anything else. */
static const char *text_of(PyObject *o, Py_ssize_t *size)
{
    if (PyUnicode_Check(o)) return PyUnicode_AsUTF8AndSize(o, size);
    char *bytes;
    return PyBytes_AsStringAndSize(o, &bytes, size) < 0 ? NULL : bytes;
}

static bool whole_field(copy_buffer *b, PyObject *o, unsigned size)
{
    long long x = PyLong_AsLongLong(o);
    if (x == -1 && PyErr_Occurred()) return false;
    if (size < 8 && (x < -(1ll << (8 * size - 1)) || x >= 1ll << (8 * size - 1))) {
        PyErr_Format(PyExc_OverflowError, "%lld does not fit %u bytes", x, size);
        return false;
    }
    copy_whole(b, (uint64_t)x, size);
    return true;
}

static bool text_field(copy_buffer *b, PyObject *o, void (*write)(copy_buffer *, const void *, size_t))
{
    Py_ssize_t size;
    const char *text = text_of(o, &size);
    if (text == NULL) return false;
    write(b, text, (size_t)size);
    return true;
}

static bool amount_field(copy_buffer *b, PyObject *o)
{
    i128 amount;
    if (!amount_from(o, &amount)) return false;
    copy_numeric(b, amount);
    return true;
}

static bool uuid_field(copy_buffer *b, PyObject *o)
{
    uint64_t high, low;
    if (!uuid_from(o, &high, &low)) return false;
    copy_uuid(b, high, low);
    return true;
}

static bool moment_field(copy_buffer *b, PyObject *o)
{
    long long at_ns = PyLong_AsLongLong(o);
    if (at_ns == -1 && PyErr_Occurred()) return false;
    copy_moment(b, at_ns);
    return true;
}

static bool flag_field(copy_buffer *b, PyObject *o)
{
    int yes = PyObject_IsTrue(o);
    copy_whole(b, yes > 0, 1);
    return yes >= 0;
}

static bool field(copy_buffer *b, char kind, PyObject *o)
{
    if (o == Py_None) {
        copy_null(b);
        return true;
    }
    switch (kind) {
    case 'h': return whole_field(b, o, 2);
    case 'i': return whole_field(b, o, 4);
    case 'q': return whole_field(b, o, 8);
    case '?': return flag_field(b, o);
    case 's': return text_field(b, o, copy_bytes);
    case 'j': return text_field(b, o, copy_jsonb);
    case 'n': return amount_field(b, o);
    case 't': return moment_field(b, o);
    case 'u': return uuid_field(b, o);
    default: PyErr_Format(PyExc_ValueError, "'%c' is no kind of column", kind); return false;
    }
}

static bool written(copy_buffer *b, const char *kinds, Py_ssize_t columns, PyObject *row)
{
    if (!PyTuple_Check(row) || PyTuple_GET_SIZE(row) != columns) {
        PyErr_Format(PyExc_ValueError, "a row must be a tuple of %zd columns", columns);
        return false;
    }
    copy_row(b, (unsigned)columns);
    for (Py_ssize_t i = 0; i < columns; i++)
        if (!field(b, kinds[i], PyTuple_GET_ITEM(row, i))) return false;
    return true;
}

static PyObject *bytes_of(copy_buffer *b, bool ok)
{
    PyObject *bytes = NULL;
    if (ok) bytes = b->failed ? PyErr_NoMemory() : PyBytes_FromStringAndSize((const char *)b->bytes, (Py_ssize_t)b->used);
    copy_free(b);
    return bytes;
}

static PyObject *edge_rows(PyObject *self, PyObject *const *a, Py_ssize_t n)
{
    (void)self;
    Py_ssize_t columns;
    const char *kinds = n == 2 && PyList_Check(a[1]) ? PyUnicode_AsUTF8AndSize(a[0], &columns) : NULL;
    if (kinds == NULL) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "rows(kinds, list of tuples) is what this takes");
        return NULL;
    }
    copy_buffer b = {0};
    bool ok = true;
    copy_begin(&b);
    for (Py_ssize_t i = 0; ok && i < PyList_GET_SIZE(a[1]); i++) ok = written(&b, kinds, columns, PyList_GET_ITEM(a[1], i));
    copy_end(&b);
    return bytes_of(&b, ok);
}

static uint32_t type_of(char kind)
{
    switch (kind) {
    case 'h': return 21;
    case 'i': return 23;
    case 'q': return 20;
    case '?': return 16;
    case 's': return 25;
    case 'j': return 3802;
    case 'n': return 1700;
    case 't': return 1184;
    case 'u': return 2950;
    default: return 0; /* field() refuses it; PostgreSQL does when there is no field */
    }
}

static PyObject *edge_array(PyObject *self, PyObject *const *a, Py_ssize_t n)
{
    (void)self;
    Py_ssize_t length;
    const char *kind = n == 2 && PyList_Check(a[1]) ? PyUnicode_AsUTF8AndSize(a[0], &length) : NULL;
    if (kind == NULL || length != 1) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "array(kind, list) is what this takes");
        return NULL;
    }
    Py_ssize_t count = PyList_GET_SIZE(a[1]);
    bool has_null = false, ok = true;
    for (Py_ssize_t i = 0; i < count; i++) has_null |= PyList_GET_ITEM(a[1], i) == Py_None;
    copy_buffer b = {0};
    copy_array(&b, type_of(*kind), has_null, (uint32_t)count);
    for (Py_ssize_t i = 0; ok && i < count; i++) ok = field(&b, *kind, PyList_GET_ITEM(a[1], i));
    return bytes_of(&b, ok);
}

static PyMethodDef methods[] = {
    {"decimal_text", edge_decimal, METH_O, "An amount of 10^-18 as canonical decimal text."},
    {"iso_text", edge_iso, METH_O, "Nanoseconds since 1970 as ISO 8601 in UTC, cut to microseconds."},
    {"uuid_text", edge_uuid, METH_O, "A uuid.UUID as text."},
    {"rows", (PyCFunction)(void (*)(void))edge_rows, METH_FASTCALL,
     "Tuples as the bytes of COPY … (FORMAT binary). A letter a column: h i q whole numbers, ? a flag, s text or bytes, j jsonb\n"
     "(its text), n an amount of 10^-18, t nanoseconds since 1970, u a uuid.UUID. None is NULL."},
    {"array", (PyCFunction)(void (*)(void))edge_array, METH_FASTCALL, "A list as the binary parameter of an array, by the same letters."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "orders._edge", "See orders/edge/edge.h.", -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__edge(void)
{
    int_word = PyUnicode_InternFromString("int");
    return int_word ? PyModule_Create(&definition) : NULL;
}
