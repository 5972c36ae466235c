"""What web costs: market data to many browsers, beside Channels' own way of it. `make bench` runs it."""
