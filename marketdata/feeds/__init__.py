"""Where market data comes from: one port (base.py), one path behind it (path.py), the feeds themselves, the service
that runs them.
"""
