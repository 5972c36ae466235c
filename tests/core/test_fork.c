/* A fork has every byte of its own: the sanitizers see to it. */
#include "harness.h"

static void test_a_fork_is_equal_and_apart(void)
{
    core *c = cast_of(1u << 10, 1u << 8);
    for (uint64_t no = 1; no < 200; no++) {
        place(c, no, no & 1 ? ALICE : BOB, no & 1 ? SIDE_BUY : SIDE_SELL, (int64_t)(no & 1 ? 1000 - no : 2000 + no * 50), 5);
        core_reports_clear(c);
    }
    core *f = core_fork(c);
    PROMISE(f != NULL && core_hash(f) == core_hash(c));
    HOLDS(f);
    uint64_t before = core_hash(c);
    PROMISE(place(f, 1000, ALICE, SIDE_BUY, 3000, 50) == REASON_NONE);
    PROMISE(core_hash(c) == before && core_hash(f) != before);
    HOLDS(c);
    HOLDS(f);
    core_destroy(c);
    PROMISE(cancel(f, 1) == REASON_NONE);
    HOLDS(f);
    core_destroy(f);
}

static void test_a_core_that_has_stopped_is_not_forked(void)
{
    core *c = cast_of(64, 64);
    c->broken = "for this test";
    PROMISE(core_fork(c) == NULL);
    c->broken = NULL;
    core_destroy(c);
}

int main(void)
{
    test_a_fork_is_equal_and_apart();
    test_a_core_that_has_stopped_is_not_forked();
    return 0;
}
