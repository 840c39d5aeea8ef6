#include "base/arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <new>

namespace attend {
namespace {

TEST(Arena, EveryArrayIsAlignedAndDisjoint) {
  Arena arena;
  std::byte* end = nullptr;
  for (int64_t count : {1, 7, 64, 65, 1000, 300000}) {
    const std::span<float> array = arena.array<float>(count);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(array.data()) % 64, 0u);
    ASSERT_EQ(array.size(), static_cast<size_t>(count));
    array.front() = array.back() = 1.0f;
    EXPECT_NE(reinterpret_cast<std::byte*>(array.data()), end);
    end = reinterpret_cast<std::byte*>(array.data());
  }
}

TEST(AllocateAligned, LargeMemoryIsAlignedAndWritableToItsEnds) {
  for (const size_t bytes : {size_t{4} << 20, (size_t{9} << 20) + 1}) {  // what large pages are asked for
    const AlignedBytes memory = allocate_aligned(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.get()) % 64, 0u);
    for (size_t i = 0; i < bytes; i += 4096) memory[i] = std::byte{1};
    memory[bytes - 1] = std::byte{2};
    EXPECT_EQ(memory[0], std::byte{1});
    EXPECT_EQ(memory[bytes - 1], std::byte{2});
  }
}

TEST(AllocateAligned, ThrowsBadAllocWhateverTheNewHandlerOfTheProcessThrows) {
  const std::new_handler before = std::set_new_handler([] { throw 1; });
  EXPECT_THROW((void)allocate_aligned(size_t{1} << 62), std::bad_alloc);
  std::set_new_handler(before);
}

TEST(Arena, TheSecondPassAllocatesNothingMore) {
  Arena arena;
  auto pass = [&] {
    for (int i = 0; i < 100; ++i) arena.matrix<double>(100, 37);
  };
  pass();
  arena.reset();
  const size_t capacity = arena.capacity();
  for (int i = 0; i < 3; ++i) {
    pass();
    arena.reset();
  }
  EXPECT_EQ(arena.capacity(), capacity);
}

TEST(Arena, AMarkTakesBackWhatCameAfterItAndNothingElse) {
  Arena arena;
  const std::span<int> kept = arena.array<int>(10);
  kept[3] = 42;
  int* inside = nullptr;
  {
    Arena::Mark mark(arena);
    inside = arena.array<int>(500000).data();  // opens a second block
    arena.array<int>(10);
  }
  int* again = arena.array<int>(10).data();
  EXPECT_NE(again, kept.data());
  EXPECT_EQ(kept[3], 42);
  {
    Arena::Mark mark(arena);
    EXPECT_EQ(arena.array<int>(500000).data(), inside);
  }
}

TEST(Arena, ZerosAreZerosEvenInUsedMemory) {
  Arena arena;
  for (float& x : arena.array<float>(5000)) x = 7.0f;
  arena.reset();
  for (float x : arena.zeros<float>(50, 100).values()) ASSERT_EQ(x, 0.0f);
}

TEST(Arena, EmptyArraysAreFine) {
  Arena arena;
  EXPECT_EQ(arena.matrix<float>(0, 5).size(), 0);
  EXPECT_EQ(arena.zeros<float>(3, 0).size(), 0);
}

}  // namespace
}  // namespace attend
