// The queue between loops: a lock-free stack that its home takes whole and turns around.
#include "host/event/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "host/base/check.h"

namespace impulse::event {

struct Mailbox::Letter {
  Letter* next;
  UniqueFunction<void()> task;
};

Mailbox::Mailbox() : wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  IMPULSE_CHECK(wake_);  // without descriptors at start-up there is no server
}

Mailbox::~Mailbox() { discard(); }

void Mailbox::push(UniqueFunction<void()> task) {
  auto* letter = new Letter{newest_.load(std::memory_order_relaxed), std::move(task)};
  // Read back from here and not from the letter: once it is in, its home may have destroyed it.
  Letter* before = letter->next;
  while (!newest_.compare_exchange_weak(before, letter, std::memory_order_seq_cst,
                                        std::memory_order_relaxed)) {
    letter->next = before;
  }
  // Whoever finds it empty wakes, once, and only a home that sleeps. Sequential consistency with
  // may_sleep(): either we see that it sleeps, or it sees our letter before it does.
  if (before == nullptr && asleep_.load(std::memory_order_seq_cst)) {
    const std::uint64_t one = 1;
    // Cannot fail: a full counter means that it is readable already.
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
  }
}

Mailbox::Letter* Mailbox::take_all() {
  Letter* newest = newest_.exchange(nullptr, std::memory_order_acquire);
  Letter* oldest = nullptr;
  while (newest != nullptr) {
    Letter* older = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = older;
  }
  return oldest;
}

std::size_t Mailbox::drain() {
  std::size_t count = 0;
  for (Letter* oldest = take_all(); oldest != nullptr; ++count) {
    const std::unique_ptr<Letter> letter(oldest);
    oldest = letter->next;
    letter->task();
  }
  return count;
}

void Mailbox::discard() {
  // Again until it stays empty: what dies may post.
  while (Letter* oldest = take_all()) {
    while (oldest != nullptr) {
      const std::unique_ptr<Letter> letter(oldest);
      oldest = letter->next;
    }
  }
}

void Mailbox::acknowledge() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto taken = ::read(wake_.get(), &count, sizeof count);
}

bool Mailbox::may_sleep() {
  asleep_.store(true, std::memory_order_seq_cst);
  if (newest_.load(std::memory_order_seq_cst) == nullptr) return true;
  stay_awake();
  return false;
}

}  // namespace impulse::event
