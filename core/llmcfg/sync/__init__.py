"""Desired against observed -> plan -> act -> record."""
