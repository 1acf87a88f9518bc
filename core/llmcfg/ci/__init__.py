"""A change under review: what it is compared with, what it does to whom, and whether it may go on. Needs no keys and no network."""
