// The option tables as text for people: Markdown for docs/options.md, roff for the manual page.
#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/text.h"
#include "host/config/schema.h"

namespace impulse::config {
namespace {

/// "" is the global scope; told in words.
std::string scope_words(std::span<const std::string_view> scopes) {
  std::string out;
  for (std::string_view scope : scopes) {
    out += out.empty() ? "" : ", ";
    out += scope.empty() ? "global" : std::string(scope);
  }
  return out;
}

/// "0 to 86400 seconds", "one of: server, client", "" where nothing restricts.
std::string restriction(const OptionRow& row) {
  if (row.type == "string" || row.type == "list") {
    return row.words.empty() ? "" : "one of: " + text::join(row.words, ", ");
  }
  if (row.type != "number" && row.type != "seconds" && row.type != "bytes") return "";
  std::string out;
  // A bound that is only the type's own says nothing.
  if (row.range.most < std::numeric_limits<std::uint32_t>::max()) {
    out = std::to_string(row.range.least) + " to " + std::to_string(row.range.most);
  } else if (row.range.least > 0) {
    out = "at least " + std::to_string(row.range.least);
  }
  for (std::string_view word : row.words)
    out += (out.empty() ? "" : ", ") + ("or " + std::string(word));
  return out;
}

std::string naming_words(const StanzaType& type) {
  const std::string word(type.type);
  switch (type.naming) {
    case Naming::kNone:
      return word + " { ... }";
    case Naming::kRequired:
      return word + " \"NAME\" { ... }";
    case Naming::kOptional:
      return word + " { ... } or " + word + " \"NAME\" { ... }";
  }
  return word;
}

std::string matching_words(const StanzaType& type) {
  switch (type.matching) {
    case Matching::kLiteral:
      return "";
    case Matching::kDomain:
      return "The name is a domain, or a regular expression between slashes.";
    case Matching::kCidr:
      return "The name is an address or a network; the most specific one counts first.";
  }
  return "";
}

/// One section: a stanza type, or the title of a table that belongs to no single type.
struct Section {
  std::string title;
  const StanzaType* type = nullptr;
  std::vector<const OptionRow*> rows;    ///< shown here in full
  std::vector<const OptionRow*> others;  ///< shown in full elsewhere, and valid here as well
};

/// A table is shown in full under its title; the other stanzas where its options may stand name
/// them, so that each text stands in the manual once.
std::vector<Section> sections_of(const Schema& schema) {
  std::vector<Section> sections = {{"Global scope", nullptr, {}, {}}};
  std::vector<std::string_view> keys = {""};
  for (const auto& type : schema.stanzas()) {
    sections.push_back({std::string(type->type), type.get(), {}, {}});
    keys.push_back(type->type);
  }
  for (const SchemaPart& part : schema.parts()) {
    for (const OptionTable& table : part.tables) {
      const std::string_view key = table.title == "global" ? "" : table.title;
      auto at = std::find(keys.begin(), keys.end(), key);
      if (at == keys.end()) {
        sections.push_back({std::string(table.title), nullptr, {}, {}});
        at = keys.insert(keys.end(), key);
      }
      const auto home = static_cast<std::size_t>(at - keys.begin());
      for (const OptionRow& row : table.rows) {
        sections[home].rows.push_back(&row);
        for (std::size_t i = 0; i < keys.size(); ++i) {
          const bool stands =
              std::any_of(row.scopes.begin(), row.scopes.end(), [&](std::string_view scope) {
                return scope == keys[i] ||
                       (!keys[i].empty() && scope.ends_with("::" + std::string(keys[i])));
              });
          if (i != home && stands) sections[i].others.push_back(&row);
        }
      }
    }
  }
  std::erase_if(sections, [](const Section& section) {
    return section.type == nullptr && section.rows.empty() && section.others.empty();
  });
  return sections;
}

/// Sentences below a section's title.
std::vector<std::string> introduction(const Section& section) {
  std::vector<std::string> lines;
  if (section.type == nullptr) return lines;
  const StanzaType& type = *section.type;
  if (!type.help.empty()) lines.emplace_back(type.help);
  if (const std::string matching = matching_words(type); !matching.empty()) {
    lines.push_back(matching);
  }
  lines.push_back("Stands in: " + scope_words(type.parents) + ".");
  if (!type.after.empty()) {
    lines.push_back("Must stand behind " + std::string(type.after) + ".");
  }
  if (type.free_form) lines.emplace_back("Any option may stand here.");
  return lines;
}

std::string others_line(const Section& section) {
  std::vector<std::string_view> names;
  for (const OptionRow* row : section.others) {
    if (std::find(names.begin(), names.end(), row->name) == names.end()) names.push_back(row->name);
  }
  return text::join(names, ", ");
}

/// Safe within a table's cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '*' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

/// Safe anywhere in a line of roff.
std::string roff(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out += "\\&";
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c == '\n' ? ' ' : c;
    }
  }
  return out;
}

std::string roff_row(const OptionRow& row) {
  std::string facts = std::string(row.type) + ", default " + row.default_text;
  if (const std::string limits = restriction(row); !limits.empty()) facts += ", " + limits;
  if (row.apply == Apply::kRestart) facts += ", needs a restart";
  return ".TP\n\\fB" + roff(row.name) + "\\fR (" + roff(facts) + ")\n" + roff(row.help) +
         "\nScopes: " + roff(scope_words(row.scopes)) + ".\n";
}

}  // namespace

std::string options_markdown(const Schema& schema) {
  std::string out;
  for (const Section& section : sections_of(schema)) {
    out += "## " + section.title + "\n\n";
    if (section.type != nullptr) out += "    " + naming_words(*section.type) + "\n\n";
    for (const std::string& line : introduction(section)) out += line + "\n";
    if (section.type != nullptr) out += "\n";
    if (!section.rows.empty()) {
      out += "| Option | Type | Default | Scopes | Range | Meaning |\n";
      out += "| --- | --- | --- | --- | --- | --- |\n";
      for (const OptionRow* row : section.rows) {
        out += "| `" + std::string(row->name) + "` | " + cell(row->type) + " | `" +
               row->default_text + "` | " + cell(scope_words(row->scopes)) + " | " +
               cell(restriction(*row)) + " | " + cell(row->help) +
               (row->apply == Apply::kRestart ? " Takes effect after a restart." : "") + " |\n";
      }
      out += "\n";
    }
    if (const std::string others = others_line(section); !others.empty()) {
      out += "Also valid here: " + others + ".\n\n";
    }
  }
  return out;
}

std::string options_roff(const Schema& schema) {
  std::string out;
  for (const Section& section : sections_of(schema)) {
    out += ".SS \"" + roff(section.title) + "\"\n";
    if (section.type != nullptr) {
      out += ".EX\n" + roff(naming_words(*section.type)) + "\n.EE\n.PP\n";
    }
    for (const std::string& line : introduction(section)) out += roff(line) + "\n";
    for (const OptionRow* row : section.rows) out += roff_row(*row);
    if (const std::string others = others_line(section); !others.empty()) {
      out += ".PP\nAlso valid here: " + roff(others) + ".\n";
    }
  }
  return out;
}

}  // namespace impulse::config
