/* Orders with conditions: what lies beside an order that has any, and what the files that know of it offer each other.
 * Private to orders/core; the types are included by state.h before the core, the rest at its end. */
#ifndef MERIDIAN_TERMS_TYPES
#define MERIDIAN_TERMS_TYPES

/* What waits for a price or a time, by terms slot. */
enum { HEAP_TRIGGER, HEAP_EXPIRY, HEAPS };
typedef struct {
    int64_t key;
    uint64_t tie;
    uint32_t terms, pad;
} heap_entry;
typedef struct {
    heap_entry *entries;
    uint32_t used, room;
} core_heap;

/* The types by what they do: 0x29 are LIMIT, STOP_LIMIT and TAKE_PROFIT_LIMIT. */
static inline bool type_has_limit(unsigned type) { return 0x29u >> type & 1; }
static inline bool type_waits(unsigned type) { return type > TYPE_MARKET; }
static inline bool tif_rests(unsigned tif) { return tif != TIF_IOC && tif != TIF_FOK; }

enum born_bit { BORN_STOP_LOSS = 1, BORN_TAKE_PROFIT = 2 };
/* What an order with terms has to do when the command is over. */
enum due_bit { DUE_MOVED = 1, DUE_TRIGGERED = 2, DUE_ENTERS = 4, DUE_SIZED = 8, DUE_DONE = 16, DUE_LEFT = 32 };
#define DUE_OF_SIBLINGS (DUE_SIZED | DUE_DONE | DUE_LEFT)

/* The terms of one order. The first lines are account half: they change only by reports. */
typedef struct {
    int64_t stop_ticks, trail, expires_at_ns, tp_ticks, sl_stop_ticks, sl_limit_ticks;
    uint32_t born;           /* born_bits: children that were */
    uint32_t key;            /* the API key's id, while some key has limits */
    uint32_t order, sibling; /* slots; sibling: the other leg */
    uint32_t at[HEAPS];      /* where it lies in each heap, from 1; 0: not there */
    uint32_t trail_prev, trail_next;
    uint32_t due, due_next; /* due_bits; the list of those that have something to do */
    bool queued;            /* it is in that list */
    int64_t follows;        /* a trailing stop as prints moved it; its report follows */
    int64_t sized;          /* a bracket's entry: the filled lots its children were sized to */
    int64_t due_ticks, due_at_ns;
} terms_row;

#elif !defined MERIDIAN_TERMS_H
#define MERIDIAN_TERMS_H

/* careful.c: the same where some orders may not simply meet */
void walk_carefully(const core *c, const core_instrument *in, const core_command *m, uint32_t owner, uint32_t fee_ppm, match_preview *out);
void run_carefully(core *c, uint32_t slot, int64_t at_ns, uint64_t index);
void mirror_carefully(core *c, uint32_t slot, int64_t at_ns, uint64_t index);
void settle_carefully(core *c, uint32_t slot, int64_t at_ns, uint64_t index);
bool own_gives_way(const core *c, const core_order *o); /* of a triggered order or a child */
/* The owner has open orders of that side, with this account or another. seat: 0 when the account has none here. */
bool own_rests(const core *c, uint32_t seat, uint32_t account, uint32_t instrument, unsigned side);

/* order.c */
void order_withdraw(core *c, uint32_t slot, uint8_t exec_type, unsigned reason, int64_t at_ns, uint64_t index); /* out of both halves */
bool order_waits(const core *c, const core_order *o);                                                           /* for a price */
bool order_is_stop(const core_order *o); /* it protects: its trigger lies where the position loses */

/* account.c: a seat joins the ring of its owner's at the instrument; leaves it, before its account gets another owner. */
void account_seat_owned(core *c, uint32_t seat);
void account_seat_disowned(core *c, uint32_t seat);

/* heap.c */
bool heap_reserve(core *c, core_heap *h, uint32_t count);
void heap_add(core *c, core_heap *h, unsigned which, uint32_t terms, int64_t key, uint64_t tie); /* room is reserved */
void heap_remove(core *c, core_heap *h, unsigned which, uint32_t terms);                         /* nothing when it is not there */
const char *heap_verify(const core *c, const core_heap *h, unsigned which);

/* terms.c: the record beside an order, of one with conditions or of one that a key with limits sent. terms_reserve and
 * terms_reserve_waiting: room for so many orders with terms. */
bool terms_reserve(core *c, uint32_t orders);
bool terms_reserve_waiting(core *c, uint32_t instrument, uint32_t orders);
void terms_load(core *c, const core_report *r, uint32_t slot);
uint32_t terms_create(core *c, uint32_t slot);
bool terms_possible(const terms_row *t, unsigned type, uint32_t flags); /* of stored facts */
void terms_restore(core *c, uint32_t slot, const terms_row *saved);
void terms_join(core *c, uint32_t slot); /* a child finds its parent and its sibling */
bool terms_drop(core *c, uint32_t slot);
void terms_write(core_report *r, const terms_row *t);
uint32_t terms_unborn(const core_order *o, const terms_row *t); /* born_bits */
bool terms_paired(const core *c, const terms_row *t);
bool terms_required(const core *c, const core_order *o, const terms_row *t, int64_t limit_ticks, int64_t lots, i128 *hold);
int64_t terms_room(const core *c, uint32_t position, unsigned side);
int64_t terms_affordable(const core_instrument *in, unsigned side, int64_t ticks, int64_t lots, uint32_t fee_ppm, i128 budget);
i128 terms_free(const core *c, const core_order *o);
uint32_t terms_key(const core *c, const core_order *o); /* of the order's sender, 0 when none was noted */
const char *verify_terms(const core *c, uint32_t slot); /* verify_terms.c */
const char *verify_waiting(const core *c);

/* conditions.c: false, and the reason in the decision, when the order may not be so. */
#define FLAGS_SPECIAL (FLAG_POST_ONLY | FLAG_REDUCE_ONLY | FLAG_TRAIL_PERCENT)
static inline bool is_special(const core_command *m) { return m->type > TYPE_MARKET || m->tif > TIF_IOC || m->flags & FLAGS_SPECIAL; }
bool conditions_any(const core_terms *t);
void conditions_resolve(const core *c, const core_command *m, uint32_t instrument, core_terms *t);
bool conditions_fit(const core_command *m, const core_instrument_spec *spec, risk_decision *d);
bool conditions_between(const core *c, const core_order *o, int64_t price, risk_decision *d); /* an amend's price */
bool conditions_reduce(const core *c, const core_command *m, risk_decision *d);
bool conditions_book(const core *c, const core_command *m, uint32_t owner, risk_decision *d);
int64_t conditions_ticks(const core_command *m, const core_terms *t);

/* trigger.c */
bool trigger_trail(unsigned side, int64_t ticks, int64_t trail, bool percent, int64_t *stop); /* false: no price */
void trigger_wait(core *c, uint32_t slot, int64_t at_ns); /* into its queue; reached already: due at once */
void trigger_leave(core *c, uint32_t terms);
void trigger_requeue(core *c, uint32_t terms);
void trigger_print(core *c, uint32_t instrument, int64_t ticks, int64_t at_ns); /* a trade of the instrument (slot), anywhere */
void trigger_restate(core *c, uint32_t terms);
void trigger_act(core *c, uint32_t terms);
bool trigger_enter_market(core *c, uint32_t terms);

/* expiry.c */
int64_t expiry_of_day(int64_t at_ns);
void expiry_enter(core *c, uint32_t slot);
void expiry_leave(core *c, uint32_t terms);
bool expiry_run(core *c, int64_t at_ns);

/* contingent.c */
void contingent_filled(core *c, uint32_t slot, int64_t at_ns);           /* after a fill of an order with terms */
void contingent_sized(core *c, uint32_t slot, int64_t at_ns);            /* after an amend of one */
void contingent_ended(core *c, uint32_t slot, bool done, int64_t at_ns); /* after its end; done: its purpose is fulfilled or void */
void contingent_triggered(core *c, uint32_t slot, int64_t at_ns);
void contingent_resize(core *c, uint32_t slot, int64_t open, unsigned reason, int64_t at_ns);
void contingent_pair(core *c, uint32_t slot, int64_t at_ns);
void contingent_follow(core *c, uint32_t slot, uint32_t due);

/* due.c. A command begins with command_ready (false: the ring must be drained first) and ends with command_done. */
void due_push(core *c, uint32_t terms, uint32_t what, int64_t at_ns);
bool due_drain(core *c);
bool due_catch_up(core *c, int64_t at_ns);
static inline bool command_ready(core *c, int64_t at_ns) { return (c->due_head == 0 && at_ns < c->expires_next) || due_catch_up(c, at_ns); }
static inline void command_done(core *c)
{
    if (c->due_head) due_drain(c);
}

#endif
