// A log format, compiled once: "%t+R+%st+%at" becomes literal pieces and macros.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "modules/xmpp/traffic.h"

namespace impulse::xmpp_logger {

/// Immutable; any thread.
class Format {
 public:
  /// Macros: %t (or %t{strftime}), %st, %at, %af, %ai, %ay, %so, %sr, %H; %% is a percent sign.
  /// A name is the longest run of letters; %{xmpp_logger:st} names the namespace. Errors: kInvalid,
  /// naming the macro that is not known.
  static Result<Format> compile(std::string_view text);

  /// Appends one record without its line end. Values are escaped, so that it stays one line.
  /// `time` is Unix seconds. `traffic` may be nullptr (heartbeat): its macros are empty then.
  void write(std::string& out, std::int64_t time, const xmpp::Traffic* traffic) const;

 private:
  enum class Macro : std::uint8_t {
    kLiteral,
    kTime,
    kFormattedTime,
    kStanzaType,
    kTo,
    kFrom,
    kId,
    kType,
    kObfuscated,
    kRaw,
    kRemote,
  };
  struct Piece {
    Macro macro;
    std::string text;  // kLiteral: itself; kFormattedTime: the strftime format
  };
  static Result<Piece> macro_piece(std::string_view name, std::string_view argument);
  std::vector<Piece> pieces_;
};

/// Backslash escapes for control characters and the backslash.
void escape_value(std::string& out, std::string_view value);

}  // namespace impulse::xmpp_logger
