// Threads for blocking work, started when there is some.
#include "host/event/pool.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "host/base/check.h"

namespace impulse::event {
namespace {

// The original's predefined pools and sizes (reference 3.4).
constexpr unsigned kCpuThreads = 4;
constexpr unsigned kIoThreads = 50;

}  // namespace

Pool::Pool(std::string name, unsigned concurrency)
    : name_(std::move(name)), limit_(std::max(1U, concurrency)) {}

Pool::~Pool() { stop(); }

unsigned Pool::concurrency() const {
  const std::lock_guard lock(mutex_);
  return limit_;
}

void Pool::set_concurrency(unsigned concurrency) {
  const std::lock_guard lock(mutex_);
  limit_ = std::max(1U, concurrency);
}

void Pool::run(UniqueFunction<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      queue_.push_back(std::move(work));
      if (queue_.size() > idle_ && threads_.size() < limit_) {
        threads_.emplace_back([this]() noexcept { work_until_stopped(); });
      }
    }
  }
  if (work) {
    work();
  } else {
    wake_.notify_one();
  }
}

void Pool::work_until_stopped() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());

  std::unique_lock lock(mutex_);
  for (;;) {
    if (!queue_.empty()) {
      auto work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
      work = nullptr;  // what it owns dies here too, outside the lock
      lock.lock();
      continue;
    }
    if (stopping_) return;
    ++idle_;
    wake_.wait(lock);
    --idle_;
  }
}

void Pool::stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (auto& thread : threads) thread.join();
}

PoolSet::PoolSet() {
  make("CPU", kCpuThreads);
  make("IO", kIoThreads);
}

Pool& PoolSet::make(const std::string& name, unsigned concurrency) {
  auto& pool = pools_[name];
  if (pool == nullptr) {
    pool = std::make_unique<Pool>(name, concurrency);
  } else {
    pool->set_concurrency(concurrency);
  }
  return *pool;
}

Pool& PoolSet::get(std::string_view name) {
  auto found = pools_.find(name);
  if (found == pools_.end()) found = pools_.find("IO");
  return *found->second;
}

void PoolSet::stop() {
  for (auto& [name, pool] : pools_) pool->stop();
}

}  // namespace impulse::event
