"""Passes of sync, and what makes them happen: triggers, timers, requests of people."""
