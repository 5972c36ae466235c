#include "harness.h"

#define KEYS 5000u

static void test_a_table_finds_what_is_in_it_and_nothing_else(void)
{
    core *c = cast_of(16, 64);
    core_table t = {0};
    PROMISE(table_get(&t, 1) == 0);
    for (uint32_t i = 1; i <= KEYS; i++) {
        PROMISE(table_reserve(c, &t, 1));
        table_put(&t, fixed_mix(i), i);
    }
    for (uint32_t i = 1; i <= KEYS; i += 2) table_remove(&t, fixed_mix(i));
    for (uint32_t i = 1; i <= KEYS; i++) PROMISE(table_get(&t, fixed_mix(i)) == (i % 2 ? 0 : i));
    table_remove(&t, 12345);
    PROMISE(t.count == KEYS / 2);
    pool_array(c, t.entries, ((size_t)t.mask + 1) * sizeof *t.entries, 0);
    core_destroy(c);
}

static void test_the_ladder_keeps_any_keys_in_order(void)
{
    core *c = cast_of(1u << 16, 64);
    core_ladder l = {0};
    uint64_t draw = 7;
    int64_t below, last;
    for (uint32_t i = 0; i < KEYS; i++) {
        int64_t key = (int64_t)(draw = draw * 6364136223846793005u + 1442695040888963407u);
        PROMISE(ladder_reserve(c, &l, 1));
        if (ladder_find(c, &l, key) == NULL) ladder_insert(c, &l, key)->count = 1;
    }
    PROMISE(ladder_last(c, &l, &last));
    uint32_t seen = 1;
    for (int64_t key = last; ladder_below(c, &l, key, &below); key = below) {
        PROMISE(below < key && ladder_find(c, &l, below) != NULL);
        seen++;
    }
    PROMISE(seen == l.levels);
    while (ladder_last(c, &l, &last)) ladder_remove(c, &l, last);
    PROMISE(l.levels == 0 && l.used == 0);
    pool_array(c, l.entries, l.room * sizeof *l.entries, 0);
    core_destroy(c);
}

int main(void)
{
    test_a_table_finds_what_is_in_it_and_nothing_else();
    test_the_ladder_keeps_any_keys_in_order();
    return 0;
}
