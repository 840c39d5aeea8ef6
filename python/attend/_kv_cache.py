"""KVCache, KVPages and kv_append(): keys and values of tokens already seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy

from . import _attend
from ._arrays import CACHE_OPERAND_TYPES, CACHE_TYPES, borrow, heads_of, integer, integer_array, integers, result
from ._rope import positions_argument, rope_argument


def _integer(value: Any, name: str) -> int:
    return integer(value, name, -(2**63), 2**63 - 1)


class KVCache:
    """Keys and values of sequences that grow, in memory of its own, cut into pages.

    A page holds `page_size` consecutive tokens of one sequence, for all key/value heads. Sequences have lengths of
    their own, are cut back, and share the pages of a common prefix. Several threads may use one cache: changes wait
    for each other and for attention_decode().
    """

    def __init__(
        self,
        *,
        capacity: int,
        kv_heads: int,
        key_width: int,
        value_width: int | None = None,
        sequences: int = 1,
        dtype: str = "float32",
        page_size: int | None = None,
        pages: int | None = None,
    ):
        """An empty cache. Its memory is reserved at once, and the system supplies it as it is first written.

        Args:
          capacity: tokens that one sequence can hold at most.
          kv_heads: Hkv. key_width: D, 1..1024. value_width: Dv, 1..1024; D unless given.
          sequences: how many there are.
          dtype: what is stored: "float32", "bfloat16", "float16", or "int8" with one float32 scale for each token and
            head, key and value apart.
          page_size: tokens a page; unless given the cache is contiguous, one page of `capacity` tokens a sequence.
          pages: pages in all; unless given as many as fill every sequence to its capacity.

        Raises ValueError for sizes, TypeError for a type that cannot be stored, MemoryError.
        """
        if not isinstance(dtype, str):
            raise TypeError(f"dtype is {type(dtype).__name__}, but must be a string")
        for name, given in (("page_size", page_size), ("pages", pages)):
            if given is not None and _integer(given, name) < 1:
                raise ValueError(f"{name} is {given}, but must be at least 1")
        self._cache = _attend.KvCache(
            sequences=_integer(sequences, "sequences"),
            capacity=_integer(capacity, "capacity"),
            kv_heads=_integer(kv_heads, "kv_heads"),
            key_width=_integer(key_width, "key_width"),
            value_width=_integer(key_width if value_width is None else value_width, "value_width"),
            dtype=dtype,
            page_size=_integer(page_size or 0, "page_size"),
            pages=_integer(pages or 0, "pages"),
        )
        size = self._cache.size()
        self.sequences: int = size["sequences"]
        self.capacity: int = size["capacity"]
        self.kv_heads: int = size["kv_heads"]
        self.key_width: int = size["key_width"]
        self.value_width: int = size["value_width"]
        self.dtype: str = size["dtype"]
        self.page_size: int = size["page_size"]
        self.pages: int = size["pages"]

    def append(
        self,
        k: Any,
        v: Any,
        *,
        sequences: Any = None,
        counts: Any = None,
        layout: str = "bhtd",
        rope: Any = None,
        rope_layout: str = "half_split",
        key_positions: Any = None,
        threads: int | None = None,
    ) -> None:
        """Appends tokens, rounded to what is stored, and takes pages as needed. A page that another sequence holds too
        is copied before it is written to.

        Args:
          k: [B, Hkv, T, D], v: [B, Hkv, T, Dv]; tokens before heads with `layout` "bthd". float32, bfloat16 or float16.
          sequences: which sequence each batch row is, B integers, none of them twice; unless given row b is sequence b.
          counts: how many of the T tokens of each row are appended, B integers in [0, T]; all unless given.
          rope: (cos, sin), [P, R / 2] each: turns the keys by their positions before they are stored, as rope() would;
            attention_decode() is then given the same. rope_layout: "half_split" or "interleaved".
          key_positions: where the keys stand for `rope`, [T] or [B, T]; unless given where they are stored.

        Raises ValueError, TypeError, or MemoryError when the free pages do not suffice; then nothing was appended.
        """
        _append(self._cache, k, v, counts, sequences, layout, (rope, rope_layout), key_positions, threads)

    def truncate(self, sequence: int, length: int) -> None:
        """Forgets the tokens of a sequence from `length` on; its pages that become empty are free again."""
        self._cache.truncate(_integer(sequence, "sequence"), _integer(length, "length"))

    def share(self, source: int, target: int, length: int) -> None:
        """Makes `target`, whatever it held, the first `length` tokens of `source`, by reference: beams, and prompts
        with a common prefix. Costs no memory until one of the two grows inside a page that both hold."""
        self._cache.share(_integer(source, "source"), _integer(target, "target"), _integer(length, "length"))

    def reset(self) -> None:
        """Empties every sequence."""
        self._cache.reset()

    @property
    def lengths(self) -> list[int]:
        """How many tokens each sequence holds."""
        return self._cache.lengths()

    @property
    def free_pages(self) -> int:
        """Pages that no sequence holds."""
        return self._cache.free_pages()

    @property
    def nbytes(self) -> int:
        """Bytes of all pages."""
        return self._cache.nbytes()

    def view(self) -> KVPages:
        """The pages themselves, to be read, and copies of the block table and the lengths as they are now. NumPy arrays,
        and for bfloat16, which NumPy lacks, arrays that speak DLPack, for torch.from_dlpack(). All are marked as
        read-only; NumPy keeps to that, but PyTorch does not know the mark: what is written to a tensor of
        from_dlpack() or from_numpy() is written into the cache."""
        key, value, key_scale, value_scale = self._cache.pages()
        return KVPages(key, value, self.lengths, self._cache.block_table(), key_scale, value_scale)

    def __repr__(self) -> str:
        return (
            f"KVCache(sequences={self.sequences}, capacity={self.capacity}, kv_heads={self.kv_heads}, "
            f"key_width={self.key_width}, value_width={self.value_width}, dtype={self.dtype!r}, "
            f"page_size={self.page_size}, pages={self.pages})"
        )


@dataclass(eq=False)
class KVPages:
    """A cache in arrays of the caller's, who has an allocator already; attention_decode() reads it in place.

    Attributes:
      key: [pages, Hkv, page_size, D], value: [pages, Hkv, page_size, Dv], of one type: float32, bfloat16, float16 or
        int8. Any strides with a contiguous last axis.
      lengths: how many tokens each sequence holds, one integer a sequence.
      block_table: [sequences, pages per sequence], integers: which pages a sequence has. None: sequence s is page s.
        Entries that no query can see are not looked at.
      key_scale, value_scale: [pages, Hkv, page_size, 1], float32; for int8 alone.
    """

    key: Any
    value: Any
    lengths: Any
    block_table: Any = None
    key_scale: Any = None
    value_scale: Any = None

    def _borrow(self, writable: bool) -> _attend.PagedArrays:
        take = result if writable else borrow
        scales = (self.key_scale, "cache key_scale"), (self.value_scale, "cache value_scale")
        return _attend.PagedArrays(
            take(self.key, "cache key", CACHE_TYPES),
            take(self.value, "cache value", CACHE_TYPES),
            *(None if scale is None else take(scale, name, "float32") for scale, name in scales),
            integer_array(self.lengths, "lengths", 1, numpy.int64),
            None if self.block_table is None else integer_array(self.block_table, "block_table", 2, numpy.int32),
        )


def _append(
    cache: _attend.KvCache | _attend.PagedArrays,
    k: Any,
    v: Any,
    counts: Any,
    sequences: Any,
    layout: str,
    turn: tuple[Any, str],
    key_positions: Any,
    threads: int | None,
) -> None:
    key = borrow(k, "key", CACHE_OPERAND_TYPES)
    B, _, T, _ = heads_of(key, "key", layout)
    cache.append(
        key,
        borrow(v, "value", CACHE_OPERAND_TYPES),
        integers(counts, "counts"),
        integers(sequences, "sequences"),
        layout,
        rope_argument(*turn, "float32"),
        positions_argument(key_positions, "key_positions", B, T),
        threads,
    )


def borrow_cache(cache: Any) -> _attend.KvCache | _attend.PagedArrays:
    """What attention_decode() reads."""
    if isinstance(cache, KVCache):
        return cache._cache
    if isinstance(cache, KVPages):
        return cache._borrow(writable=False)
    raise TypeError(f"cache is {type(cache).__name__}, but must be a KVCache or KVPages")


def kv_append(
    k: Any,
    v: Any,
    cache: KVPages,
    *,
    sequences: Any = None,
    counts: Any = None,
    layout: str = "bhtd",
    rope: Any = None,
    rope_layout: str = "half_split",
    key_positions: Any = None,
    threads: int | None = None,
) -> None:
    """Writes tokens into pages of the caller's, behind the `lengths` that their sequences have; the lengths and the
    block table are the caller's, who adds the counts to the lengths afterwards. Arguments as of KVCache.append()."""
    if not isinstance(cache, KVPages):
        raise TypeError(f"cache is {type(cache).__name__}, but must be KVPages; a KVCache has append()")
    pages = cache._borrow(writable=True)
    _append(pages, k, v, counts, sequences, layout, (rope, rope_layout), key_positions, threads)
