"""Merkle trees as RFC 6962 (section 2.1) has them: roots, proofs, and their verification.

A tree that only grows is kept as the hashes that each leaf completes: its own, and that of every perfect
subtree of which it is the last leaf, from the bottom up. So every hash has one place for ever, nothing is
rewritten, and a proof needs about log2(size) of them. The same works for a log of millions of events and for
the lines of one return.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import NamedTuple, TypeAlias

from ledger.errors import LedgerError

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
LEAF_PREFIX = b"\x00"
NODE_PREFIX = b"\x01"

Range: TypeAlias = tuple[int, int]
"""Leaves from the first number up to, and without, the second."""


class ProofWrong(LedgerError):
    """A Merkle proof that doesn't show what it should."""

    code = "PROOF_WRONG"
    sentence_en = "The proof proves nothing: {en}. Ask for it again, and keep both if it stays so."
    sentence_zh = "该证明无效：{zh}。请重新获取；若仍无效，请保留两份。"


class Node(NamedTuple):
    """A perfect subtree: the ``2**level`` leaves from ``number * 2**level`` on."""

    level: int
    number: int

    @property
    def last_leaf(self) -> int:
        """The leaf that completes it, among whose hashes it is the one at ``level``."""
        return ((self.number + 1) << self.level) - 1


NodeReader: TypeAlias = Callable[[Sequence[Node]], Sequence[bytes]]
"""Gives the hashes of perfect subtrees, in the order asked for."""


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf that holds ``content``, 32 bytes."""
    return hashlib.sha256(LEAF_PREFIX + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children, 32 bytes."""
    return hashlib.sha256(NODE_PREFIX + left + right).digest()


# --- growing ----------------------------------------------------------------------------------------------


class Edge:
    """The right edge of a growing tree: the roots of its perfect subtrees, the largest first."""

    def __init__(self, size: int = 0, roots: Iterable[bytes] = ()) -> None:
        self.size = size
        self._roots = list(roots)

    @classmethod
    def of(cls, size: int, read: NodeReader) -> Edge:
        """The edge of a tree of ``size`` leaves that is already there."""
        return cls(size, read(perfect_subtrees(0, size)))

    def append(self, leaf: bytes) -> list[bytes]:
        """Add the hash of a leaf; returns the hashes that it completes, from the bottom up."""
        completed = [leaf]
        while self.size >> (len(completed) - 1) & 1:
            completed.append(node_hash(self._roots.pop(), completed[-1]))
        self._roots.append(completed[-1])
        self.size += 1
        return completed

    def root(self) -> bytes:
        """The root of the tree as it is now, 32 bytes."""
        return _root_over(self._roots)


class Tree:
    """A whole tree in memory, such as that over the lines of a return."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._edge = Edge()
        self._completed: list[list[bytes]] = []
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        return self._edge.size

    def append(self, leaf: bytes) -> None:
        """Add the hash of a leaf."""
        self._completed.append(self._edge.append(leaf))

    def root(self) -> bytes:
        return self._edge.root()

    def read(self, nodes: Sequence[Node]) -> list[bytes]:
        """The hashes of ``nodes``: a ``NodeReader``."""
        return [self._completed[node.last_leaf][node.level] for node in nodes]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over the hashes of leaves that are all there, 32 bytes; level by level, for many of them."""
    level = list(leaves)
    while len(level) > 1:
        odd = level[len(level) & ~1 :]
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [hashlib.sha256(NODE_PREFIX + left + right).digest() for left, right in pairs] + odd
    return level[0] if level else EMPTY_ROOT


# --- making proofs ----------------------------------------------------------------------------------------


def root(size: int, read: NodeReader) -> bytes:
    """The root over the first ``size`` leaves, 32 bytes."""
    return _root_over(read(perfect_subtrees(0, size)))


def inclusion_proof(number: int, size: int, read: NodeReader) -> list[bytes]:
    """The audit path of leaf ``number`` (from 0) in the tree of ``size`` leaves, from the leaf's sibling up.

    Raises ``ProofWrong`` where the tree has no such leaf.
    """
    return _hashes_over(_inclusion_ranges(number, size), read)


def consistency_proof(old_size: int, new_size: int, read: NodeReader) -> list[bytes]:
    """What shows that the tree of ``old_size`` leaves is the beginning of that of ``new_size``.

    Raises ``ProofWrong`` for an empty old tree, and for one that is larger than the new.
    """
    return _hashes_over(_consistency_ranges(old_size, new_size), read)


def perfect_subtrees(begin: int, end: int) -> list[Node]:
    """The perfect subtrees that make up a range of the RFC's own division, the largest first."""
    nodes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        nodes.append(Node(level, begin >> level))
        begin += 1 << level
    return nodes


def _hashes_over(ranges: Sequence[Range], read: NodeReader) -> list[bytes]:
    """The hash over each range; all nodes are read at once."""
    parts = [perfect_subtrees(begin, end) for begin, end in ranges]
    hashes = iter(read([node for nodes in parts for node in nodes]))
    return [_root_over([next(hashes) for _ in nodes]) for nodes in parts]


def _root_over(roots: Sequence[bytes]) -> bytes:
    if not roots:
        return EMPTY_ROOT
    return reduce(lambda right, left: node_hash(left, right), reversed(roots))


def _inclusion_ranges(number: int, size: int) -> list[Range]:
    if not 0 <= number < size:
        raise ProofWrong(
            zh=f"{size} 个叶子的树中没有第 {number} 号叶子",
            en=f"a tree of {size} leaves has no leaf {number}",
        )
    begin, end, siblings = 0, size, []
    while end - begin > 1:
        middle = begin + _left_size(end - begin)
        if number < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((begin, middle))
            begin = middle
    return siblings[::-1]


def _consistency_ranges(old_size: int, new_size: int) -> list[Range]:
    """Where the old tree is itself a subtree of the new one, its root isn't repeated in the proof."""
    if not 0 < old_size <= new_size:
        raise ProofWrong(
            zh=f"{old_size} 个叶子的树不可能是 {new_size} 个叶子的树的开头",
            en=f"a tree of {old_size} leaves can't be shown to begin one of {new_size}",
        )
    begin, end, siblings = 0, new_size, []
    while end != old_size:
        middle = begin + _left_size(end - begin)
        if old_size <= middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((begin, middle))
            begin = middle
    last = [] if begin == 0 else [(begin, end)]
    return last + siblings[::-1]


def _left_size(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


# --- verifying --------------------------------------------------------------------------------------------


def root_with_leaf(leaf: bytes, number: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root of the tree of ``size`` leaves in which ``proof`` puts the hash ``leaf`` at ``number``.

    Raises ``ProofWrong`` where the proof doesn't have the form of one for this place.
    """
    siblings = _inclusion_ranges(number, size)
    _require_hashes([leaf, *proof], count=len(siblings) + 1)
    node = leaf
    for (begin, _), sibling in zip(siblings, proof, strict=True):
        node = node_hash(node, sibling) if begin > number else node_hash(sibling, node)
    return node


def verify_inclusion(leaf: bytes, number: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raises ``ProofWrong`` unless the tree of this size and root has the hash ``leaf`` at ``number``."""
    if root_with_leaf(leaf, number, size, proof) != root:
        raise ProofWrong(
            zh=f"第 {number} 号叶子不能导出 {size} 个叶子的树根",
            en=f"leaf {number} doesn't lead to the root of the tree of {size} leaves",
        )


def roots_of_consistency(
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes
) -> tuple[bytes, bytes]:
    """The roots of both trees as ``proof`` has them.

    ``old_root`` is used only where the old tree is itself a subtree of the new one. A proof whose second root
    is one that a log signed shows what the log's tree had at ``old_size``, whatever it signed then.
    Raises ``ProofWrong`` where the proof doesn't have the form of one for these sizes.
    """
    ranges = _consistency_ranges(old_size, new_size)
    _require_hashes(proof, count=len(ranges))
    steps = list(zip(ranges, proof, strict=True))
    old = new = old_root
    if steps and ranges[0][1] == old_size:
        _, old = steps.pop(0)
        new = old
    for (begin, _), sibling in steps:
        if begin >= old_size:
            new = node_hash(new, sibling)
        else:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
    return old, new


def verify_consistency(
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Raises ``ProofWrong`` unless the tree of the old size and root is the beginning of the new one."""
    if roots_of_consistency(old_size, new_size, proof, old_root) != (old_root, new_root):
        raise ProofWrong(
            zh=f"{old_size} 个叶子的树不是 {new_size} 个叶子的树的开头",
            en=f"the tree of {old_size} leaves is not the beginning of that of {new_size}",
        )


def _require_hashes(hashes: Sequence[bytes], *, count: int) -> None:
    if len(hashes) != count or any(len(each) != HASH_BYTES for each in hashes):
        lengths = ", ".join(str(len(each)) for each in hashes)
        raise ProofWrong(
            zh=f"应有 {count} 个 32 字节的哈希，实际长度为 [{lengths}]",
            en=f"expected {count} hashes of 32 bytes each, but got the lengths [{lengths}]",
        )
