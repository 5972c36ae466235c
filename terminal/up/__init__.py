"""The supervisor behind `make run`: real servers from wheels, and every process of Meridian, started, watched, stopped."""
