// make_table: rows typed by their struct's members to rows that the schema works with.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "host/config/option.h"
#include "host/config/option_value.h"

namespace impulse::config {

template <class Opts, class T>
OptionRow make_row(const Option<Opts>& option, T Opts::*member) {
  const Limits limits{option.range, option.words};
  OptionRow row;
  row.name = option.name;
  row.type = type_name(static_cast<const T*>(nullptr));
  // The visit below makes this function for every type of member, also for those that the struct
  // is too small to have; the compiler would warn of the read.
  if constexpr (sizeof(T) <= sizeof(Opts)) {
    static const Opts defaults{};
    row.default_text = text_of(defaults.*member);
  }
  row.scopes = option.scopes;
  row.help = option.help;
  row.range = option.range;
  row.apply = option.apply;
  row.words = option.words;
  row.check = [limits, name = option.name](const Value& value) -> Result<void> {
    T ignored{};
    auto converted = convert(value, limits, ignored);
    if (converted) return converted;
    return converted.error().in(std::string(name) + " = " + shown(value));
  };
  row.store = [limits, member](void* opts, const Value& value) {
    // On an error, which the schema has reported, the default stays.
    (void)convert(value, limits, static_cast<Opts*>(opts)->*member);
  };
  return row;
}

template <class Opts, std::size_t N>
OptionTable make_table(std::string_view title, const Option<Opts> (&rows)[N]) {
  OptionTable table{title, {}};
  table.rows.reserve(N);
  for (const Option<Opts>& option : rows) {
    table.rows.push_back(
        std::visit([&](auto member) { return make_row(option, member); }, option.member));
  }
  return table;
}

}  // namespace impulse::config
