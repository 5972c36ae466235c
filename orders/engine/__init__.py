"""The single writer of a shard: read a batch, decide it in the core, commit it, then answer and publish.

service.py      the bootstep's service: lease, recovery, the loop
lease.py        who owns the shard, until when
world.py        accounts, instruments, limits and halts as rows -> what the core is told
orders.py       the open orders, with what the core need not know
market.py       the simulator in its core, what it publishes, the replays it follows
teller.py       tells the core what changed in the world; fundings
decide.py       one command -> the module that decides its kind
place.py        a new order -> the core -> outcome
change.py       cancels and amends
told.py         what an exchange told of an order
recorder.py     what they share: journal, remembered requests, answers
words.py        the core's numbers as the words of the API
fold.py         reports -> rows, balances, positions, news
ledger.py       the rows of a batch, by COPY, in one transaction
journal.py      the journal's entries and their hash chain
recovery.py     checkpoint + journal -> the same core again
checkpoint.py   the account half, from a fork, on a connection of its own
equity.py       what each account is worth, once a minute
"""
