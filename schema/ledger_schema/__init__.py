"""The ledger's database: tables, constraints, functions, grants, sessions and the embedded server."""
