"""The rule language: what a clause says, what it makes of the figures, and why.

``terms`` is the document that both sides sign, ``facts`` what it is applied to, ``plain`` the evaluator
that reads like the specification, ``vector`` the same on arrays for whole quarters. Nothing here does
input or output.
"""
