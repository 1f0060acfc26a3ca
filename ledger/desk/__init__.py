"""The work: parties, agreements, enterprise lists, returns, settlements, the journal and its history.

Every function that reads takes an open ``Connection`` (one snapshot); every function that changes data
takes the ``Database`` and an ``Act`` and does it in one transaction of its own.
"""
