// The hook points of the engine: a stanza's passage through typed, ordered, named chains.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "host/base/function.h"
#include "host/module/descriptor.h"
#include "host/module/hook.h"
#include "modules/xmpp/stanza.h"

namespace impulse::xmpp {

class Account;
class EngineLoop;
class HookRunner;
class Session;

/// Moments at which handlers are asked. hook_table() says when, with what, and what answers mean.
enum class HookPoint : std::uint8_t {
  kClientMessageRecv,
  kClientPresenceRecv,
  kClientIqRecv,
  kAccountMessageRecv,
  kAccountSubscriptionRecv,
  kAccountProbeRecv,
  kAccountMessageOffline,
  kServerMessageRecv,
  kServerPresenceRecv,
  kSessionBound,
  kSessionClosed,
  kBeforeStanzaSend,
};
inline constexpr std::size_t kHookPoints = 12;

/// One row of the table from which the manual page and the Lua method names come.
struct HookRow {
  HookPoint point;
  std::string_view name;       ///< "client_message_recv": also the Lua method
  std::string_view arguments;  ///< "sess, stanza"
  std::string_view when;       ///< one sentence
  std::string_view done;       ///< what DONE means; what CONT leads to
  bool may_wait;               ///< may a handler wait (yield)?
};
IMPULSE_EXPORT const HookRow (&hook_table())[kHookPoints];

/// What a handler answers.
enum class Verdict : std::uint8_t {
  kCont,  ///< the next handler, then the engine's own processing
  kDone,  ///< handled; nobody else is asked
  kWait,  ///< Passage::wait() was called; the answer comes through the Resume
};

class Resume;

/// A stanza (or, for session_* points, none) on its way through a chain. Lives on the stack of the
/// engine while handlers answer at once. Home.
class IMPULSE_EXPORT Passage {
 public:
  Passage(HookPoint at, Session* session, Account* account, std::optional<Stanza> stanza);
  Passage(Passage&& other) noexcept;
  Passage& operator=(Passage&&) = delete;
  ~Passage();

  HookPoint point;
  /// The sender's session (client_*), the session concerned (session_*, before_stanza_send), or
  /// nullptr. It stays valid, if closed, while the passage lives: a session goes away only after
  /// all that it sent has been handled.
  Session* session;
  /// The account concerned, or nullptr (server_*). Pinned.
  Account* account;
  std::optional<Stanza> stanza;

  /// For a handler that cannot answer yet: moves the passage to the heap. Then answer kWait, and
  /// later, on this loop, call the Resume once. Meanwhile later stanzas of the same session or
  /// account wait, so that order is kept.
  Resume wait();

 private:
  friend class HookRunner;
  friend class Resume;
  int last_order_ = 0;           // where in the chain it stands: the last one asked
  std::uint64_t last_id_ = 0;    // 0 = nobody yet
  std::uint64_t newest_id_ = 0;  // the last handler there was when it set out
  UniqueFunction<void(Passage, Verdict)> finish_;
  HookRunner* runner_ = nullptr;
  bool is_single_ = false;  // one handler was asked, no chain
};

/// The right to continue a waiting passage. Dropping it unused (also by assigning another) answers
/// internal-server-error.
class IMPULSE_EXPORT Resume {
 public:
  Resume() = default;
  Resume(Resume&&) noexcept = default;
  Resume& operator=(Resume&& other) noexcept;
  ~Resume();
  /// kCont or kDone. Home.
  void operator()(Verdict verdict);
  explicit operator bool() const { return passage_ != nullptr; }
  Passage& passage() { return *passage_; }

 private:
  friend class Passage;
  std::unique_ptr<Passage> passage_;
};

using HookHandler = std::function<Verdict(Passage&)>;

/// All chains of one loop. Home.
class IMPULSE_EXPORT HookRunner {
 public:
  explicit HookRunner(EngineLoop& home) : home_(home) {}
  /// Lower `order` is asked first; equal orders in order of registration.
  [[nodiscard]] Registration add(HookPoint point, int order, HookHandler handler);
  bool has(HookPoint point) const { return !chains_[static_cast<std::size_t>(point)].empty(); }
  /// Asks the chain; `finish` is called once with the verdict kCont or kDone, now or later.
  void run(Passage passage, UniqueFunction<void(Passage, Verdict)> finish);
  /// Asks one handler instead of a chain (iq handlers).
  void run_one(const HookHandler& handler, Passage passage,
               UniqueFunction<void(Passage, Verdict)> finish);
  /// For points that may not wait: asks the chain in place.
  Verdict run_now(Passage& passage);

 private:
  friend class Resume;
  struct Entry {
    int order;
    std::uint64_t id;
    HookHandler handler;
  };
  void advance(Passage passage, Verdict verdict);
  EngineLoop& home_;
  std::vector<Entry> chains_[kHookPoints];
  std::uint64_t next_id_ = 0;
};

}  // namespace impulse::xmpp
