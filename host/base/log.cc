// Log lines: formatting, escaping, one write(2) each; the sources and the file behind them.
#include "host/base/log.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <set>
#include <system_error>
#include <vector>

#include "host/base/owned.h"

namespace impulse::log {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"DEBUG",   "INFO",  "NOTICE",
                                                    "WARNING", "ERROR", "CRITICAL"};
constexpr std::size_t kMaxLine = 4096;  // PIPE_BUF: such a write is never torn apart

struct Registry {
  std::mutex mutex;  // guards what is listed beneath it
  std::vector<Source*> sources;
};

// Made by the first source, hence destroyed after the last one.
Registry& registry() {
  static Registry instance;
  return instance;
}

// Where lines go. Once there is a descriptor of our own it stays the same number for ever and is
// only replaced by dup3, so that a writer on another thread never meets a closed or foreign one.
struct Output {
  std::atomic<int> fd{STDERR_FILENO};
  std::mutex mutex;  // guards what is listed beneath it
  std::string path;
};

Output& output() {
  static auto* const instance = new Output;  // never destroyed: the last destructors may still log
  return *instance;
}

std::string reason(int error) { return std::generic_category().message(error); }

Result<void> redirect(Output& out, const std::string& path) {
  UniqueFd opened;
  if (path.empty()) {
    opened.reset(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  } else {
    opened.reset(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640));
  }
  if (!opened) {
    const int error = errno;
    return Error{ErrorCode::kUnavailable,
                 "log file '" + path + "' cannot be opened for appending: " + reason(error) +
                     "; its directory must exist and be writable for this process"};
  }
  const int own = out.fd.load();
  if (own == STDERR_FILENO) {
    out.fd.store(opened.release());
  } else if (::dup3(opened.get(), own, O_CLOEXEC) < 0) {
    const int error = errno;
    return Error{ErrorCode::kUnavailable,
                 "log file '" + path + "' cannot take over from the present one: " + reason(error)};
  }
  out.path = path;
  return {};
}

// Length of the valid UTF-8 sequence at the start of `text`, 0 when there is none, and its value.
struct Character {
  std::size_t length;
  char32_t code;
};

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, lead};
  std::size_t length = 0;
  char32_t code = 0;
  char32_t least = 0;
  if (lead >= 0xC2 && lead < 0xE0) {
    length = 2, code = lead & 0x1FU, least = 0x80;
  } else if (lead >= 0xE0 && lead < 0xF0) {
    length = 3, code = lead & 0x0FU, least = 0x800;
  } else if (lead >= 0xF0 && lead < 0xF5) {
    length = 4, code = lead & 0x07U, least = 0x10000;
  }
  if (length == 0 || text.size() < length) return {0, 0};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {0, 0};
    code = (code << 6) | (byte(i) & 0x3FU);
  }
  if (code < least || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return {0, 0};
  return {length, code};
}

// Controls, line separators and what turns the direction of text: a log line must show what it is.
bool is_unsafe(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x200B && code <= 0x200F) ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF;
}

void append_hex_byte(std::string& line, unsigned char byte) {
  constexpr char kDigits[] = "0123456789abcdef";
  line += "\\x";
  line += kDigits[byte >> 4];
  line += kDigits[byte & 15];
}

// One character of a value, escaped; returns how many bytes of `rest` it was.
std::size_t append_character(std::string& line, std::string_view rest) {
  switch (rest.front()) {
    case '\n':
      line += "\\n";
      return 1;
    case '\r':
      line += "\\r";
      return 1;
    case '\t':
      line += "\\t";
      return 1;
    case '"':
    case '\\':
      line += '\\';
      line += rest.front();
      return 1;
  }
  const Character character = first_character(rest);
  const std::size_t length = std::max<std::size_t>(character.length, 1);
  if (character.length != 0 && !is_unsafe(character.code)) {
    line += rest.substr(0, length);
  } else {
    for (const char c : rest.substr(0, length)) {
      append_hex_byte(line, static_cast<unsigned char>(c));
    }
  }
  return length;
}

bool is_plain(char c) { return c > ' ' && c < 0x7F && c != '"' && c != '\\' && c != '='; }

// Appends as much of `value` as fits; false when it was cut.
bool append_value(std::string& line, std::string_view value) {
  constexpr std::size_t kRoom = kMaxLine - 32;  // for the longest escape, the quote and the mark
  if (!value.empty() && line.size() + value.size() < kRoom &&
      std::ranges::all_of(value, is_plain)) {
    line += value;
    return true;
  }
  line += '"';
  while (!value.empty() && line.size() < kRoom) value.remove_prefix(append_character(line, value));
  line += '"';
  return value.empty();
}

void append_time(std::string& line) {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc = {};
  gmtime_r(&now.tv_sec, &utc);
  char text[32];
  const std::size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &utc);
  line.append(text, length);
  const auto ms = static_cast<unsigned>(now.tv_nsec / 1'000'000);
  line += static_cast<char>('0' + ms / 100);
  line += static_cast<char>('0' + ms / 10 % 10);
  line += static_cast<char>('0' + ms % 10);
  line += 'Z';
}

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

std::string_view name_of(Level level) { return kNames[static_cast<std::size_t>(level)]; }

Result<Level> parse_level(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (std::ranges::equal(text, kNames[i], {}, upper)) return static_cast<Level>(i);
  }
  return Error{ErrorCode::kInvalid,
               "'" + std::string(text.substr(0, 40)) +
                   "' is no log level; must be one of DEBUG, INFO, NOTICE, WARNING, ERROR, "
                   "CRITICAL"};
}

Source::Source(std::string_view name, Level threshold)
    : name_(name), threshold_(static_cast<int>(threshold)) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.sources.push_back(this);
}

Source::~Source() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  std::erase(all.sources, this);
}

Source& host() {
  static Source source("host");
  return source;
}

Result<void> set_threshold(std::string_view name, Level level) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  bool found = false;
  for (Source* source : all.sources) {
    if (source->name() != name) continue;
    source->set_threshold(level);
    found = true;
  }
  if (found) return {};
  std::set<std::string_view> names;
  for (const Source* source : all.sources) names.insert(source->name());
  std::string text = "'" + std::string(name) + "' is no log source; there are:";
  for (const std::string_view known : names) (text += ' ') += known;
  return Error{ErrorCode::kNotFound, std::move(text)};
}

void for_each(const std::function<void(Source&)>& visit) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  for (Source* source : all.sources) visit(*source);
}

void write(const Source& source, Level level, std::string_view what,
           std::initializer_list<Field> fields) {
  thread_local std::string line;
  line.clear();
  append_time(line);
  ((((line += ' ') += name_of(level)) += ' ') += source.name()) += ' ';
  line += what;
  for (const Field& field : fields) {
    if (line.size() + field.key.size() + 48 > kMaxLine) {
      line += " ...";
      break;
    }
    ((line += ' ') += field.key) += '=';
    if (!append_value(line, field.value)) {
      line += "...";
      break;
    }
  }
  line += '\n';
  // A log that cannot be written (full disk, closed pipe) has nowhere to complain to.
  const int fd = output().fd.load(std::memory_order_relaxed);
  while (::write(fd, line.data(), line.size()) < 0 && errno == EINTR) continue;
}

Result<void> open_file(const std::string& path) {
  Output& out = output();
  const std::lock_guard lock(out.mutex);
  return redirect(out, path);
}

Result<void> reopen() {
  Output& out = output();
  const std::lock_guard lock(out.mutex);
  if (out.path.empty()) return {};
  return redirect(out, out.path);
}

}  // namespace impulse::log
