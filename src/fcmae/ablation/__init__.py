"""Controlled comparisons: a plan becomes runs, each is computed once, and a table tells of them."""
