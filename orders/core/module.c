/* The module orders._core and its type Core: life, the table of methods, what the module holds. The methods are in bind_*.c, what
 * they share in binding.h. */
#include "binding.h"

typedef struct {
    PyObject *error, *core_type;
} module_state;

/* ---- life ---- */

#define CALLS_A_MEASURE 64u

static PyObject *Core_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"max_orders", "ring_capacity", NULL};
    uint32_t max_orders = 1u << 20, ring_capacity = 1u << 16;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$O&O&:Core", names, convert_u32, &max_orders, convert_u32, &ring_capacity))
        return NULL;
    if (max_orders == 0 || max_orders > 1u << 28 || ring_capacity < 8 || ring_capacity > 1u << 26) {
        PyErr_SetString(PyExc_ValueError, "max_orders must be from 1 to 2^28, ring_capacity from 8 to 2^26");
        return NULL;
    }
    module_state *state = PyType_GetModuleState(type);
    if (state == NULL) return NULL;
    CoreObject *self = (CoreObject *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->error = Py_NewRef(state->error);
    self->every = self->left = CALLS_A_MEASURE;
    self->stages = PyMem_Calloc(STAGES, sizeof *self->stages);
    self->core = self->stages ? core_create(max_orders, ring_capacity) : NULL;
    if (self->core != NULL) return (PyObject *)self;
    Py_DECREF(self);
    return PyErr_NoMemory();
}

static void Core_dealloc(CoreObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (self->core != NULL) core_destroy(self->core);
    Py_XDECREF(self->error);
    PyMem_Free(self->stages);
    type->tp_free(self);
    Py_DECREF(type);
}

/* ---- tables ---- */

#define FAST(name) {#name, (PyCFunction)(void (*)(void))Core_##name, METH_FASTCALL, NULL},
#define WORDS(name) {#name, (PyCFunction)(void (*)(void))Core_##name, METH_VARARGS | METH_KEYWORDS, NULL},
#define ONE(name) {#name, (PyCFunction)(void (*)(void))Core_##name, METH_O, NULL},
#define SOME(name) {#name, (PyCFunction)Core_##name, METH_VARARGS, NULL},
#define NONE(name) {#name, (PyCFunction)(void (*)(void))Core_##name, METH_NOARGS, NULL},

/* clang-format off */
static PyMethodDef METHODS[] = {
    CORE_METHODS(FAST, ONE, NONE, SOME, WORDS)
    {NULL, NULL, 0, NULL},
};
/* clang-format on */

static PyType_Slot SLOTS[] = {{Py_tp_new, Core_new},
                              {Py_tp_dealloc, Core_dealloc},
                              {Py_tp_methods, METHODS},
                              {Py_tp_doc, "One deterministic trading core."},
                              {0, NULL}};
static PyType_Spec SPEC = {
    .name = "orders._core.Core", .basicsize = sizeof(CoreObject), .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, .slots = SLOTS};

static int module_exec(PyObject *module)
{
    module_state *state = PyModule_GetState(module);
    state->error = PyErr_NewExceptionWithDoc("orders._core.CoreError", "A broken invariant or a call the core cannot take.", NULL, NULL);
    if (state->error == NULL || PyModule_AddObjectRef(module, "CoreError", state->error) < 0) return -1;
    state->core_type = PyType_FromModuleAndSpec(module, &SPEC, NULL);
    if (state->core_type == NULL || PyModule_AddObjectRef(module, "Core", state->core_type) < 0) return -1;
    return add_names(module) && add_stages(module) ? 0 : -1;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    module_state *state = PyModule_GetState(module);
    Py_VISIT(state->error);
    Py_VISIT(state->core_type);
    return 0;
}

static int module_clear(PyObject *module)
{
    module_state *state = PyModule_GetState(module);
    Py_CLEAR(state->error);
    Py_CLEAR(state->core_type);
    return 0;
}

static PyModuleDef_Slot MODULE_SLOTS[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};
static PyMethodDef FUNCTIONS[] = {{"histogram_read", histogram_read, METH_O, "Packed counts of Core.histogram() as numbers."},
                                  {NULL, NULL, 0, NULL}};
static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT,         .m_name = "orders._core",       .m_doc = "One deterministic trading core.",
    .m_methods = FUNCTIONS,        .m_size = sizeof(module_state), .m_slots = MODULE_SLOTS,
    .m_traverse = module_traverse, .m_clear = module_clear};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&MODULE); }
