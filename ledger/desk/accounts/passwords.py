"""Passwords: kept as argon2id verifiers only, and slow to guess."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ledger.rules.facts import Fault

PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 200


@dataclass(frozen=True)
class Passwords:
    """argon2id with these costs; a verifier made with others goes on being checked with its own.

    The defaults are the second recommendation of RFC 9106 (64 MiB, three passes).
    """

    passes: int = 3
    memory_kib: int = 65_536
    lanes: int = 4

    @cached_property
    def _hasher(self) -> PasswordHasher:
        return PasswordHasher(self.passes, self.memory_kib, self.lanes)

    @cached_property
    def nobodys(self) -> str:
        """A verifier that no password was made for: checking it takes as long as checking a real one."""
        return self.verifier("")

    def verifier(self, password: str) -> str:
        """What to keep instead of the password."""
        return self._hasher.hash(password)

    def matches(self, verifier: str, password: str) -> bool:
        """Whether the verifier was made of this password."""
        try:
            return self._hasher.verify(verifier, password)
        except (VerificationError, InvalidHashError):
            return False


def password_faults(path: str, password: str) -> list[Fault]:
    """What is wrong with a new password: only its length is asked for (NIST SP 800-63B, 5.1.1.2)."""
    if PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        return []
    return [
        Fault(
            path,
            "PASSWORD_UNUSABLE",
            f"Expected a password of {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters, "
            f"but got {len(password)}.",
            f"密码应为 {PASSWORD_LENGTH_MIN} 至 {PASSWORD_LENGTH_MAX} 个字符，实际为 {len(password)} 个。",
        )
    ]
