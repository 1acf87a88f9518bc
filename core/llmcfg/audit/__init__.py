"""The audit log: who did what, on record before it happens, in a form that shows every later change."""
