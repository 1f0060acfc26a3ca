"""The sample that an empty ledger starts with: real zones and places, agreements modelled on sourced ones,
and two years of made-up returns. ``docs/sample.md`` says what is real and what isn't."""
