"""What a session may see: told to PostgreSQL in every transaction, where row security reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose agreements, and whose enterprise lines in them, the transactions of a session see.

    ``everything`` is the sight of the operator's tools and of bulk work; the three sets say nothing then.
    """

    everything: bool = False
    party_ids: frozenset[int] = frozenset()
    """Agreements in which one of these takes part are seen."""
    own_party_ids: frozenset[int] = frozenset()
    """Enterprise lines that these handed in are seen."""
    audited_party_ids: frozenset[int] = frozenset()
    """Enterprise lines of all sides are seen in agreements in which one of these takes part."""

    def settings(self) -> str:
        """The statements that tell it to PostgreSQL, until the end of the transaction."""
        return ";".join(
            f"SET LOCAL parkledger.{name} = '{value}'"
            for name, value in (
                ("sees_everything", "on" if self.everything else "off"),
                ("party_ids", _array(self.party_ids)),
                ("own_party_ids", _array(self.own_party_ids)),
                ("audited_party_ids", _array(self.audited_party_ids)),
            )
        )


EVERYTHING = Sight(everything=True)


def _array(ids: frozenset[int]) -> str:
    return "{" + ",".join(map(str, sorted(ids))) + "}"
