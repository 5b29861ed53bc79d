// The module xml: new nodes, documents from text.
#include <utility>

#include "modules/xmpp_lua/bridge.h"

namespace impulse::xmpp_lua {

using scriptlet::check_text;
using scriptlet::push_text;

namespace {

/// Scripts may read more than a client may send: archives, rosters, files.
constexpr xmpp::ParserLimits kLimits = {4 * 1024 * 1024, 262'144, 128, 64};

NodeHandle& check_document(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  if (!bridge.has_metatable(lua, 1, bridge.metatables.lent_document) &&
      !bridge.has_metatable(lua, 1, bridge.metatables.own_document)) {
    luaL_typerror(lua, 1, "document");
  }
  auto& handle = *static_cast<NodeHandle*>(lua_touserdata(lua, 1));
  if (!handle.is_valid()) {
    luaL_error(lua, "this document is no longer valid: its handler is done, or it was routed");
  }
  return handle;
}

int root(lua_State* lua) {
  NodeHandle& handle = check_document(lua);
  Bridge::of(lua).push_root(lua, *handle.slot);
  return 1;
}

int to_string(lua_State* lua) {
  NodeHandle& handle = check_document(lua);
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  xmpp::write_element(out, *handle.slot->root, {});
  push_text(lua, out);
  return 1;
}

int collect(lua_State* lua) {
  const auto* handle = static_cast<NodeHandle*>(lua_touserdata(lua, 1));
  Bridge::of(lua).documents().release(*handle);
  return 0;
}

/// xml.newnode(name [, ns])
int new_node(lua_State* lua) {
  const std::string_view name = check_text(lua, 1);
  luaL_argcheck(lua, xmpp::is_xml_name(name), 1, "must be an element name without a prefix");
  const std::string_view ns = lua_isnoneornil(lua, 2) ? xmpp::ns::kClient : check_text(lua, 2);
  luaL_argcheck(lua, xmpp::is_xml_text(ns), 2, "must be UTF-8 text that XML allows");
  Bridge::of(lua).push_document(lua, xmpp::Document(name, ns));
  return 1;
}

void drop_blanks(xmpp::Element& element) {
  bool has_element = false;
  for (xmpp::Node* node = element.first_node(); node != nullptr; node = node->next) {
    if (node->is_text) continue;
    has_element = true;
    drop_blanks(static_cast<xmpp::Element&>(*node));
  }
  if (!has_element) return;
  for (xmpp::Node* node = element.first_node(); node != nullptr;) {
    xmpp::Node* next = node->next;
    if (node->is_text && static_cast<xmpp::TextNode*>(node)->text.find_first_not_of(" \t\r\n") ==
                             std::string_view::npos) {
      element.remove_child(*node);
    }
    node = next;
  }
}

/// xml.parsexml(text [, keep_blanks]): a document, or nil and what is wrong
int parse_xml(lua_State* lua) {
  std::string_view text = check_text(lua, 1);
  const bool keep_blanks =
      lua_toboolean(lua, 2) != 0 && !(lua_isnumber(lua, 2) != 0 && lua_tonumber(lua, 2) == 0);
  if (text.starts_with("<?xml")) {
    const std::size_t end = text.find("?>");
    text.remove_prefix(end == std::string_view::npos ? 0 : end + 2);
  }
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  auto parsed = xmpp::parse_element(text, xmpp::ns::kClient, kLimits);
  if (!parsed) return scriptlet::push_failure(lua, parsed.error().what);
  if (!keep_blanks) drop_blanks(parsed->root());
  Bridge& bridge = Bridge::of(lua);
  bridge.push_document(lua, *std::move(parsed));
  lua_rawgeti(lua, LUA_REGISTRYINDEX, bridge.metatables.own_document_ref);
  lua_setmetatable(lua, -2);
  return 1;
}

}  // namespace

void open_xml(lua_State* lua, Bridge& bridge) {
  static constexpr luaL_Reg kMethods[] = {
      {"root", &root}, {"tostring", &to_string}, {nullptr, nullptr}};
  static constexpr luaL_Reg kMeta[] = {{"__tostring", &to_string}, {nullptr, nullptr}};
  static constexpr luaL_Reg kCollect[] = {{"__gc", &collect}, {nullptr, nullptr}};
  static constexpr luaL_Reg kFunctions[] = {
      {"newnode", &new_node}, {"parsexml", &parse_xml}, {nullptr, nullptr}};
  auto& m = bridge.metatables;
  m.lent_document = make_metatable(lua, bridge, kMethods, &m.lent_document_ref);
  set_functions(lua, bridge, kMeta);
  lua_pop(lua, 1);
  m.own_document = make_metatable(lua, bridge, kMethods, &m.own_document_ref);
  set_functions(lua, bridge, kMeta);
  set_functions(lua, bridge, kCollect);
  lua_pop(lua, 1);
  lua_newtable(lua);
  set_functions(lua, bridge, kFunctions);
  lua_setglobal(lua, "xml");
}

}  // namespace impulse::xmpp_lua
