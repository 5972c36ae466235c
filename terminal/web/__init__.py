"""The web server: daphne, with a bound on everything a stranger can make it keep."""
