"""What people see: one function view per screen or action."""
