"""The project: settings, processes, and the screens people trade on. It imports every app; no app imports it."""
