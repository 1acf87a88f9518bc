"""snapshot -> layers -> compose -> resolve -> validate -> render -> bundle, and diff: pure functions over values.

A stage imports only the stages before it.
"""
