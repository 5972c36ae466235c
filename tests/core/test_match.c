#include "harness.h"

static void test_the_first_at_the_best_price_is_met_first(void)
{
    core *c = cast_of(64, 64);
    core_tape t[4];
    place(c, 1, ALICE, SIDE_SELL, 101, 5);
    place(c, 2, ALICE, SIDE_SELL, 100, 5);
    place(c, 3, ALICE, SIDE_SELL, 100, 5);
    place(c, 4, BOB, SIDE_BUY, 101, 12);
    PROMISE(core_tape_take(c, t, 4) == 3);
    PROMISE(t[0].maker_order_no == 2 && t[0].price_ticks == 100 && t[0].qty_lots == 5);
    PROMISE(t[1].maker_order_no == 3 && t[1].qty_lots == 5);
    PROMISE(t[2].maker_order_no == 1 && t[2].price_ticks == 101 && t[2].qty_lots == 2);
    HOLDS(c);
    core_destroy(c);
}

static void test_shrinking_keeps_the_place_and_growing_loses_it(void)
{
    core *c = cast_of(64, 64);
    core_tape t;
    for (uint64_t no = 1; no <= 3; no++) place(c, no, ALICE, SIDE_SELL, 100, 5);
    core_command shrink = {.op = OP_AMEND, .order_no = 1, .qty_lots = 2}, grow = {.op = OP_AMEND, .order_no = 2, .qty_lots = 9};
    PROMISE(core_amend(c, &shrink, 0) == REASON_NONE && core_amend(c, &grow, 0) == REASON_NONE);
    static const uint64_t ORDER_MET[] = {1, 3, 2};
    static const int64_t LOTS[] = {2, 5, 9};
    for (int i = 0; i < 3; i++) {
        place(c, 10 + (uint64_t)i, BOB, SIDE_BUY, 100, LOTS[i]);
        PROMISE(core_tape_take(c, &t, 1) == 1 && t.maker_order_no == ORDER_MET[i] && t.qty_lots == LOTS[i]);
        HOLDS(c);
    }
    core_destroy(c);
}

static void test_agents_leave_no_report_and_users_get_one_each(void)
{
    core *c = cast_of(64, 64);
    const core_report *r;
    core_command agent = order_of(1, 0, SIDE_SELL, 100, 5);
    agent.flags = FLAG_AGENT;
    PROMISE(core_place(c, &agent, 0) == REASON_NONE);
    PROMISE(core_reports(c, &r) == 0 && core_tape_count(c) == 0);
    PROMISE(place(c, 2, BOB, SIDE_BUY, 100, 5) == REASON_NONE);
    PROMISE(core_reports(c, &r) == CORE_REPORT_HEAD + sizeof *r && r->exec_type == '0');
    r = core_report_next(r);
    PROMISE(r->exec_type == 'F' && r->ord_status == '2');
    PROMISE(core_tape_count(c) == 1);
    HOLDS(c);
    core_destroy(c);
}

static void test_full_pools_and_a_full_ring_refuse_and_change_nothing(void)
{
    core *c = cast_of(4, 64);
    for (uint64_t no = 1; no <= 4; no++) PROMISE(place(c, no, ALICE, SIDE_BUY, 100, 1) == REASON_NONE);
    uint64_t before = core_hash(c);
    PROMISE(place(c, 5, ALICE, SIDE_BUY, 100, 1) == REASON_CAPACITY);
    PROMISE(core_hash(c) == before && last_report(c)->reason == REASON_CAPACITY);
    HOLDS(c);
    core_destroy(c);
    c = cast_of(1024, 16);
    unsigned reason = REASON_NONE;
    for (uint64_t no = 1; reason == REASON_NONE && no < 100; no++) {
        before = core_hash(c);
        reason = place(c, no, ALICE, SIDE_SELL, 100, 1);
    }
    PROMISE(reason == REASON_CAPACITY && core_hash(c) == before);
    core_reports_clear(c);
    PROMISE(place(c, 200, BOB, SIDE_BUY, 100, 3) == REASON_NONE);
    HOLDS(c);
    core_destroy(c);
}

int main(void)
{
    test_the_first_at_the_best_price_is_met_first();
    test_shrinking_keeps_the_place_and_growing_loses_it();
    test_agents_leave_no_report_and_users_get_one_each();
    test_full_pools_and_a_full_ring_refuse_and_change_nothing();
    return 0;
}
