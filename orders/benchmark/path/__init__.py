"""The order path measured from outside: from a client's send to its durable answer, against a running installation.

The load generator is a process of its own and cheap per order, because it shares the machine with what it measures. Every
figure stands beside the processor time that web, engine, bus and PostgreSQL spent on an order: a busy machine stretches
the clock, hardly the work.
"""
