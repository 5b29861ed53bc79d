// TreeBuilder: a tree while it is read: merges what is written twice, collects the mistakes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/config/schema.h"
#include "host/config/tree.h"

namespace impulse::config {

/// Shared by all files of one configuration. One at a time.
class TreeBuilder {
 public:
  explicit TreeBuilder(Place place);

  Node& root() { return *root_; }
  /// The stanza of this type and name within `parent`: the one opened before, or a new one.
  /// "T" {} without a name and T "T" {} are the same stanza.
  Node& open(Node& parent, std::string_view type, std::string name, Place place);
  /// Sets an option; what was written before is replaced.
  void set(Node& node, std::string_view key, Value value, Place place);
  /// A stanza that will not be part of the tree: what stands in it is read for its mistakes.
  Node& discarded();
  /// Notes a mistake. From the hundredth on they are no longer kept: a file of another kind would
  /// only give more of them.
  void report(Place place, std::string text);

  /// Both may be taken once, at the end.
  std::unique_ptr<Node> take_root() { return std::move(root_); }
  std::vector<Problem> take_problems() { return std::move(problems_); }

 private:
  /// Where things are within one node, so that a big file costs no searching.
  struct Index {
    std::unordered_map<std::string, std::size_t> settings;
    std::unordered_map<std::string, Node*> children;
  };
  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<Node>> discarded_;
  std::unordered_map<const Node*, Index> index_;
  std::vector<Problem> problems_;
};

}  // namespace impulse::config
