// Pattern: the name "/regex/" of a stanza, compiled once.
#include "host/config/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "host/base/owned.h"

namespace impulse::config {
namespace {

constexpr std::size_t kLongestPattern = 4096;
// Steps of one match, and KiB it may allocate: far above what an honest expression needs on a
// domain name, low enough that "(a+)+$" against a stranger's name costs about a millisecond.
constexpr std::uint32_t kMatchLimit = 50'000;
constexpr std::uint32_t kHeapLimitKib = 1'024;

using CodePtr = Owned<pcre2_code, &pcre2_code_free>;
using MatchDataPtr = Owned<pcre2_match_data, &pcre2_match_data_free>;
using MatchContextPtr = Owned<pcre2_match_context, &pcre2_match_context_free>;

/// What a match needs to work on; one for each thread, so that a match allocates nothing.
struct Workspace {
  Workspace()
      : data(pcre2_match_data_create(1, nullptr)), context(pcre2_match_context_create(nullptr)) {
    pcre2_set_match_limit(context.get(), kMatchLimit);
    pcre2_set_heap_limit(context.get(), kHeapLimitKib);
  }
  MatchDataPtr data;
  MatchContextPtr context;
};

std::string message_of(int code, std::size_t offset) {
  PCRE2_UCHAR8 text[256] = {};
  pcre2_get_error_message(code, text, sizeof text);
  return std::string(reinterpret_cast<const char*>(text)) + " (at character " +
         std::to_string(offset + 1) + " of the expression)";
}

}  // namespace

struct Pattern::Compiled {
  CodePtr code;
};

Pattern::~Pattern() = default;

bool Pattern::is_pattern(std::string_view name) {
  return name.size() > 2 && name.front() == '/' && name.back() == '/';
}

std::shared_ptr<const Pattern> Pattern::make(std::string_view name) {
  // Owners: the stanza's node, and nobody else as yet; shared because Node is a plain struct.
  std::shared_ptr<Pattern> pattern(new Pattern);
  const std::string_view text = name.substr(1, name.size() - 2);
  if (text.size() > kLongestPattern) {
    pattern->error_ = "longer than " + std::to_string(kLongestPattern) + " characters";
    return pattern;
  }
  int code = 0;
  std::size_t offset = 0;
  CodePtr compiled(pcre2_compile(reinterpret_cast<PCRE2_SPTR8>(text.data()), text.size(),
                                 PCRE2_UTF | PCRE2_CASELESS, &code, &offset, nullptr));
  if (compiled == nullptr) {
    pattern->error_ = message_of(code, offset);
    return pattern;
  }
  // Where there is no compiler for this machine the interpreter does the same, more slowly.
  (void)pcre2_jit_compile(compiled.get(), PCRE2_JIT_COMPLETE);
  pattern->compiled_ = std::make_unique<Compiled>(Compiled{std::move(compiled)});
  return pattern;
}

bool Pattern::matches(std::string_view subject) const {
  if (compiled_ == nullptr) return false;
  static thread_local const Workspace workspace;
  const auto match = [&](std::uint32_t options) {
    return pcre2_match(compiled_->code.get(), reinterpret_cast<PCRE2_SPTR8>(subject.data()),
                       subject.size(), 0, options, workspace.data.get(), workspace.context.get());
  };
  int answer = match(0);
  // The compiled form has a small stack of its own; the interpreter has the heap limit.
  if (answer == PCRE2_ERROR_JIT_STACKLIMIT) answer = match(PCRE2_NO_JIT);
  return answer >= 0;
}

}  // namespace impulse::config
