// Accepting console clients, reading one request from each, sending the reply.
#include "host/control/socket.h"

#include <event2/event.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "host/base/log.h"
#include "host/base/owned.h"
#include "host/control/wire.h"
#include "host/net/byte_stream.h"

namespace impulse::control {

namespace {

using EventPtr = Owned<::event, &event_free>;

constexpr std::size_t kMaxConnections = 32;
/// How long a client may take to send its request (a person may be typing a password).
constexpr std::chrono::seconds kRequestTime{60};

Result<Caller> caller_of(int fd) {
  ucred credentials = {};
  socklen_t length = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    return Error{ErrorCode::kDenied, "the system does not tell who the client is"};
  }
  Caller caller{.uid = credentials.uid, .groups = {credentials.gid}};
  length = 0;
  // Asked twice: first for the size (ERANGE), then for the groups.
  ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, nullptr, &length);
  if (length > 0) {
    std::vector<gid_t> groups(length / sizeof(gid_t));
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length) == 0) {
      caller.groups.insert(caller.groups.end(), groups.begin(), groups.end());
    }
  }
  return caller;
}

}  // namespace

bool may_command(const Caller& caller, uid_t own_uid, gid_t socket_group, unsigned file_mode) {
  if (caller.uid == 0 || caller.uid == own_uid) return true;
  const bool in_group =
      std::find(caller.groups.begin(), caller.groups.end(), socket_group) != caller.groups.end();
  return (in_group && (file_mode & S_IWGRP) != 0) || (file_mode & S_IWOTH) != 0;
}

/// What connections need of each other; replies find their connection here by number.
struct ControlSocket::Shared {
  event::Loop& loop;
  CommandTable& commands;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections = {};
  std::uint64_t last_number = 0;
};

/// One client. Home: main loop.
class ControlSocket::Connection final : public net::ByteReader {
 public:
  Connection(std::shared_ptr<Shared> shared, std::uint64_t number, UniqueFd fd)
      : shared_(shared),
        number_(number),
        stream_(shared->loop, std::move(fd), net::Address()),
        deadline_(shared->loop.after(kRequestTime, [this] { stream_.close_now(); })) {
    stream_.set_output_limit(kMaxReplyBytes + 64);
    stream_.start(*this);
  }

  void on_bytes(std::span<const char> bytes) override {
    if (state_ == State::kRunning) return;  // nothing more is expected
    buffer_.append(bytes.data(), bytes.size());
    auto frame = take_frame(buffer_, kMaxRequestBytes);
    if (!frame) return answer(Status::kFailed, frame.error().in("request").what);
    if (!*frame) return;
    if (state_ == State::kWords) {
      read_words(std::move(**frame));
    } else {
      run(std::move(**frame));
    }
  }

  void on_closed(net::CloseReason) override {
    auto node = shared_->connections.extract(number_);
    if (node) shared_->loop.destroy_later(std::move(node.mapped()));
  }

  void answer(Status status, std::string_view text) {
    state_ = State::kRunning;
    deadline_ = {};
    if (text.size() > kMaxReplyBytes) text = text.substr(0, kMaxReplyBytes);
    stream_.write(encode_reply(status, text));
    stream_.close_after_flush();
  }

 private:
  enum class State { kWords, kInput, kRunning };

  void read_words(std::string body) {
    auto words = decode_words(std::move(body));
    if (!words) return answer(Status::kFailed, words.error().in("request").what);
    words_ = std::move(*words);
    const auto found = shared_->commands.match(words_);
    if (found.command == nullptr) {
      return answer(Status::kFailed, shared_->commands.unknown(words_).what);
    }
    if (!found.command->reads_input) return run({});
    state_ = State::kInput;
    stream_.write(encode_reply(Status::kWantsInput, found.command->input_prompt));
  }

  void run(std::string input) {
    state_ = State::kRunning;
    deadline_ = {};
    // The answer may come late and from any thread, when this connection, or all, are gone.
    auto reply = [loop = &shared_->loop, weak = std::weak_ptr<Shared>(shared_),
                  number = number_](Result<std::string> result) {
      loop->post([weak, number, result = std::move(result)] {
        auto shared = weak.lock();
        if (shared == nullptr) return;
        auto at = shared->connections.find(number);
        if (at == shared->connections.end()) return;
        if (result) {
          at->second->answer(Status::kOk, *result);
        } else {
          at->second->answer(Status::kFailed, result.error().what);
        }
      });
    };
    shared_->commands.run(std::move(words_), std::move(input), std::move(reply));
  }

  std::shared_ptr<Shared> shared_;
  std::uint64_t number_;
  State state_ = State::kWords;
  std::string buffer_;
  std::vector<std::string> words_;
  net::ByteStream stream_;
  event::Timer deadline_;
};

/// One listening socket on the main loop.
class ControlSocket::Acceptor {
 public:
  Acceptor(std::shared_ptr<Shared> shared, net::BoundSocket socket)
      : shared_(std::move(shared)),
        socket_(std::move(socket)),
        event_(event_new(shared_->loop.base(), socket_.fd(), EV_READ | EV_PERSIST,
                         &Acceptor::on_event, this)) {
    event_add(event_.get(), nullptr);
  }

  const std::string& path() const { return socket_.name(); }
  void set_file_mode(unsigned mode) {
    if (mode == mode_now_) return;
    mode_now_ = mode;
    if (::chmod(path().c_str(), mode) != 0) {
      LOG(log::host(), kWarning, "control_socket_mode_failed", {"path", path()});
    }
  }

 private:
  static void on_event(int, short, void* self) { static_cast<Acceptor*>(self)->accept_one(); }

  void accept_one() {
    UniqueFd fd(::accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd || shared_->connections.size() >= kMaxConnections) return;
    auto caller = caller_of(fd.get());
    if (!caller || !is_allowed(*caller)) {
      LOG(log::host(), kWarning, "control_refused", {"path", path()},
          {"uid", caller ? static_cast<long>(caller->uid) : -1L});
      return;
    }
    const std::uint64_t number = ++shared_->last_number;
    shared_->connections.emplace(number,
                                 std::make_unique<Connection>(shared_, number, std::move(fd)));
  }

  bool is_allowed(const Caller& caller) const {
    struct stat file = {};
    if (::stat(path().c_str(), &file) != 0) return caller.uid == 0 || caller.uid == ::geteuid();
    return may_command(caller, ::geteuid(), file.st_gid, file.st_mode);
  }

  std::shared_ptr<Shared> shared_;
  net::BoundSocket socket_;
  unsigned mode_now_ = socket_.options().file_mode;
  EventPtr event_;
};

ControlSocket::ControlSocket(event::Loop& loop, CommandTable& commands)
    : shared_(std::make_shared<Shared>(Shared{loop, commands})) {}

ControlSocket::~ControlSocket() {
  acceptors_.clear();
  shared_->connections.clear();
}

Result<ControlSocket::Prepared> ControlSocket::prepare(std::vector<Endpoint> endpoints) const {
  Prepared prepared;
  for (const Endpoint& endpoint : endpoints) {
    const bool is_open =
        std::any_of(acceptors_.begin(), acceptors_.end(),
                    [&](const auto& acceptor) { return acceptor->path() == endpoint.path; });
    if (is_open) continue;
    net::SocketOptions options;
    options.backlog = static_cast<int>(kMaxConnections);
    options.file_mode = endpoint.file_mode;
    auto bound = net::BoundSocket::bind(endpoint.path, options);
    if (!bound) return bound.error().in("Control_Listener");
    prepared.bound.push_back(std::move(*bound));
  }
  prepared.endpoints = std::move(endpoints);
  return prepared;
}

void ControlSocket::commit(Prepared prepared) {
  std::erase_if(acceptors_, [&](const auto& acceptor) {
    for (const Endpoint& endpoint : prepared.endpoints) {
      if (endpoint.path != acceptor->path()) continue;
      acceptor->set_file_mode(endpoint.file_mode);
      return false;
    }
    return true;
  });
  for (net::BoundSocket& socket : prepared.bound) {
    acceptors_.push_back(std::make_unique<Acceptor>(shared_, std::move(socket)));
  }
}

std::vector<std::string> ControlSocket::paths() const {
  std::vector<std::string> paths;
  for (const auto& acceptor : acceptors_) paths.push_back(acceptor->path());
  return paths;
}

}  // namespace impulse::control
