// impulsectl: sends one command to the server's console socket and prints the reply.
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/owned.h"
#include "host/base/result.h"
#include "host/control/wire.h"

namespace {

using impulse::Error;
using impulse::ErrorCode;
using impulse::Result;
using impulse::UniqueFd;
namespace control = impulse::control;

constexpr std::string_view kUsage =
    "Usage: impulsectl [--socket PATH] COMMAND...\n"
    "Sends a command to the running server; `impulsectl help` lists them.\n"
    "  --socket PATH  the console socket (default: $IMPULSE_SOCKET, else\n"
    "                 " IMPULSE_RUN_DIRECTORY "/control.sock)\n";

Error system_error(std::string_view what) {
  return Error{ErrorCode::kUnavailable, std::string(what) + ": " + std::strerror(errno)};
}

Result<UniqueFd> connect_to(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{ErrorCode::kInvalid, "socket path '" + path + "' is longer than " +
                                          std::to_string(sizeof address.sun_path - 1) + " bytes"};
  }
  path.copy(address.sun_path, path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return system_error("socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_error("cannot reach the server at " + path + " (is impulsed running?)");
  }
  return fd;
}

Result<void> send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return system_error("sending the command");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<control::ReplyText> receive_reply(int fd) {
  std::string buffer;
  while (true) {
    auto frame = control::take_frame(buffer, control::kMaxReplyBytes + 1);
    if (!frame) return frame.error().in("reply");
    if (*frame) return control::decode_reply(**frame);
    char block[16 * 1024];
    const ssize_t got = ::recv(fd, block, sizeof block, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("reading the reply");
    if (got == 0) {
      return Error{ErrorCode::kClosed,
                   "the server closed the connection without a reply (you may not be allowed to "
                   "use it: its log says)"};
    }
    buffer.append(block, static_cast<std::size_t>(got));
  }
}

/// Switches echo off on a terminal for as long as it lives.
class SilentTerminal {
 public:
  SilentTerminal() {
    ::tcgetattr(STDIN_FILENO, &before_);
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  ~SilentTerminal() { ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_); }

 private:
  termios before_ = {};
};

std::string ask(std::string_view prompt) {
  std::cerr << prompt << ": " << std::flush;
  std::string line;
  {
    SilentTerminal silent;
    std::getline(std::cin, line);
  }
  std::cerr << '\n';
  return line;
}

/// Standard input as it is; a person at a terminal is asked twice.
Result<std::string> read_input(const std::string& prompt) {
  std::string input;
  if (::isatty(STDIN_FILENO) == 0) {
    char block[4096];
    while (input.size() <= control::kMaxRequestBytes) {
      const ssize_t got = ::read(STDIN_FILENO, block, sizeof block);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error("reading standard input");
      if (got == 0) return input;
      input.append(block, static_cast<std::size_t>(got));
    }
    return Error{ErrorCode::kTooBig, "standard input has more than " +
                                         std::to_string(control::kMaxRequestBytes) + " bytes"};
  }
  const std::string_view asked = prompt.empty() ? std::string_view("Input") : prompt;
  input = ask(asked);
  if (ask(std::string(asked) + " again") != input) {
    return Error{ErrorCode::kInvalid, "the two inputs differ; nothing was changed"};
  }
  return input;
}

Result<control::ReplyText> converse(const std::string& socket,
                                    const std::vector<std::string>& words) {
  auto fd = connect_to(socket);
  if (!fd) return fd.error();
  const std::string request = control::encode_words(words);
  if (request.size() > control::kMaxRequestBytes) {
    return Error{ErrorCode::kTooBig, "the command has more than " +
                                         std::to_string(control::kMaxRequestBytes) + " bytes"};
  }
  if (auto sent = send_all(fd->get(), control::encode_frame(request)); !sent) return sent.error();
  auto reply = receive_reply(fd->get());
  if (!reply || reply->status != control::Status::kWantsInput) return reply;
  auto input = read_input(reply->text);
  if (!input) return input.error();
  if (auto sent = send_all(fd->get(), control::encode_frame(*input)); !sent) return sent.error();
  return receive_reply(fd->get());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const char* environment = std::getenv("IMPULSE_SOCKET");
  std::string socket = environment != nullptr ? environment : IMPULSE_RUN_DIRECTORY "/control.sock";
  if (words.size() >= 2 && words[0] == "--socket") {
    socket = words[1];
    words.erase(words.begin(), words.begin() + 2);
  }
  if (words.empty() || words[0].starts_with("-")) {
    const bool asked = !words.empty() && (words[0] == "--help" || words[0] == "-h");
    (asked ? std::cout : std::cerr) << kUsage;
    return asked ? 0 : 1;
  }
  auto reply = converse(socket, words);
  if (!reply) {
    std::cerr << "impulsectl: " << reply.error().what << '\n';
    return 1;
  }
  const bool is_ok = reply->status == control::Status::kOk;
  std::string_view text = reply->text;
  if (!text.empty()) {
    (is_ok ? std::cout : std::cerr) << text << (text.ends_with('\n') ? "" : "\n") << std::flush;
  }
  return is_ok && std::cout.good() ? 0 : 1;
}
