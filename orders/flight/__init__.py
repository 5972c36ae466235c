"""The flight recorder: when each order passed each of its stages, from the browser's click to the browser's paint.

The engine keeps its stamps in memory and writes those of many orders as one row, a few times a second, in a transaction that
comes later anyway: so the stamps of the commit and of the answer are among them, and an order costs no row. Browsers tell
theirs in bulk afterwards; they are shown, and nothing is decided by them.
"""
