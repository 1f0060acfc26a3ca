"""Files that differ from a true one somewhere: what a forger, a bad disk or a bad line makes of it."""

from __future__ import annotations

from hypothesis import assume
from hypothesis import strategies as st

CUT_MAX = 200


@st.composite
def other_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes with one flipped, or some left out, put in, said twice, or exchanged with the next ones."""
    begin = draw(st.integers(0, len(content) - 1))
    end = min(len(content), begin + draw(st.integers(1, CUT_MAX)))
    before, part, after = content[:begin], content[begin:end], content[end:]
    flipped = bytes([part[0] ^ draw(st.integers(1, 255))]) + part[1:]
    put_in = draw(st.binary(min_size=1, max_size=9))
    made = draw(
        st.sampled_from(
            [
                before + flipped + after,
                before + after,
                before,
                before + put_in + part + after,
                before + part + part + after,
                before + after[: len(part)] + part + after[len(part) :],
            ]
        )
    )
    assume(made != content)
    return made
