// Nodes in Lua: the methods of stanzas, elements and text.
#include <utility>
#include <variant>

#include "modules/xmpp_lua/bridge.h"

namespace impulse::xmpp_lua {

using scriptlet::check_text;
using scriptlet::push_text;
using xmpp::Element;
using xmpp::TextNode;

bool Bridge::has_metatable(lua_State* lua, int index, const void* metatable) const {
  if (lua_type(lua, index) != LUA_TUSERDATA || lua_getmetatable(lua, index) == 0) return false;
  const bool is_it = lua_topointer(lua, -1) == metatable;
  lua_pop(lua, 1);
  return is_it;
}

void Bridge::push_node(lua_State* lua, DocumentSlot& slot, xmpp::Node& node) {
  auto* handle = static_cast<NodeHandle*>(lua_newuserdata(lua, sizeof(NodeHandle)));
  *handle = NodeHandle{&slot, slot.generation, &node};
  // Only handles of Lua's own documents have something to give back when they are collected.
  lua_rawgeti(lua, LUA_REGISTRYINDEX,
              slot.is_owned ? metatables.own_node_ref : metatables.lent_node_ref);
  if (slot.is_owned) ++slot.handles;
  lua_setmetatable(lua, -2);
}

void Bridge::push_document(lua_State* lua, xmpp::Document document) {
  const std::size_t bytes = document.root().arena().bytes();
  DocumentSlot& slot = documents_.own(std::move(document));
  push_root(lua, slot);
  state_.count_outside_memory(lua, bytes);
}

NodeHandle* Bridge::test_node(lua_State* lua, int index) {
  if (lua_type(lua, index) != LUA_TUSERDATA || lua_getmetatable(lua, index) == 0) return nullptr;
  const void* metatable = lua_topointer(lua, -1);
  lua_pop(lua, 1);
  if (metatable != metatables.lent_node && metatable != metatables.own_node) return nullptr;
  return static_cast<NodeHandle*>(lua_touserdata(lua, index));
}

NodeHandle& Bridge::check_node(lua_State* lua, int index) {
  NodeHandle* handle = test_node(lua, index);
  if (handle == nullptr) luaL_typerror(lua, index, "node");
  if (!handle->is_valid()) {
    luaL_error(lua,
               "this node is no longer valid: its handler is done, or it was routed "
               "(keep stanza:clone() to have it longer)");
  }
  return *handle;
}

Element& Bridge::check_element(lua_State* lua, int index) {
  NodeHandle& handle = check_node(lua, index);
  if (handle.node->is_text) luaL_argerror(lua, index, "is a text node, not an element");
  return static_cast<Element&>(*handle.node);
}

StanzaOf stanza_of(NodeHandle& handle) {
  StanzaOf answer;
  if (handle.node->is_text) {
    answer.why = "a text node is not a stanza";
  } else if (handle.node == handle.slot->root) {
    if (become_stanza(*handle.slot, answer.why)) answer.stanza = handle.slot->stanza;
  } else {
    DocumentSlot copy;
    copy.document = xmpp::Document::copy_of(static_cast<Element&>(*handle.node));
    if (become_stanza(copy, answer.why)) {
      answer.copy = std::move(copy.own);
      answer.stanza = &*answer.copy;
    }
  }
  return answer;
}

namespace {

/// "xml:lang" is the one attribute with a prefix that stanzas know.
struct AttributeName {
  std::string_view ns, name;
};
AttributeName check_attribute_name(lua_State* lua, int index) {
  AttributeName answer{{}, check_text(lua, index)};
  if (answer.name.starts_with("xml:")) answer = {xmpp::ns::kXml, answer.name.substr(4)};
  if (!xmpp::is_xml_name(answer.name) || answer.name == "xmlns") {
    luaL_argerror(lua, index, "must be an attribute name without a prefix (or xml:lang)");
  }
  return answer;
}

/// Changes `to`, `from`, `type` or `id` of a stanza, whose parsed forms must follow. False: the
/// stanza would not be one any more; nothing was changed.
bool change_header(xmpp::Stanza& stanza, std::string_view name,
                   std::optional<std::string_view> value, std::string& why) {
  if (name == "to" && !value) {
    stanza.remove_to();
    return true;
  }
  if (value && (name == "to" || name == "from")) {
    auto jid = xmpp::Jid::parse(*value);
    if (!jid) {
      why = jid.error().what;
      return false;
    }
    name == "to" ? stanza.set_to(*std::move(jid)) : stanza.set_from(*std::move(jid));
    return true;
  }
  xmpp::Document trial = xmpp::Document::copy_of(stanza.element());
  auto change = [&](Element& element) {
    value ? element.set_attribute(name, *value) : element.remove_attribute(name);
  };
  change(trial.root());
  auto made = xmpp::Stanza::from(std::move(trial));
  if (const auto* bad = std::get_if<xmpp::BadStanza>(&made)) {
    why = std::string(name_of(bad->error.condition)) + " " + bad->error.text;
    return false;
  }
  // The same again with the real one, so that handles keep pointing into it.
  change(stanza.element());
  auto real = xmpp::Stanza::from(std::move(stanza).take_document());
  stanza = std::move(std::get<xmpp::Stanza>(real));
  return true;
}

bool is_header(std::string_view name) {
  return name == "to" || name == "from" || name == "type" || name == "id";
}

/// node:attr(name [, value | nil])
int attr(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  NodeHandle& handle = bridge.check_node(lua, 1);
  Element& element = bridge.check_element(lua, 1);
  const AttributeName name = check_attribute_name(lua, 2);
  if (lua_gettop(lua) < 3) {
    const xmpp::Attribute* found = element.find_attribute(name.name, name.ns);
    if (found == nullptr) return 0;
    push_text(lua, found->value);
    return 1;
  }
  std::optional<std::string_view> value;
  if (!lua_isnil(lua, 3)) {
    value = bridge.is_jid(lua, 3) ? bridge.check_jid_text(lua, 3) : check_text(lua, 3);
    luaL_argcheck(lua, xmpp::is_xml_text(*value), 3, "must be UTF-8 text that XML allows");
  }
  xmpp::Stanza* stanza = handle.node == handle.slot->root ? handle.slot->stanza : nullptr;
  if (stanza != nullptr && name.ns.empty() && is_header(name.name)) {
    bool is_changed = false;
    {
      std::string why;
      is_changed = change_header(*stanza, name.name, value, why);
      if (!is_changed) push_text(lua, why);
    }
    if (!is_changed) {
      return luaL_error(lua, "attr: %s cannot be set to this value: %s", lua_tostring(lua, 2),
                        lua_tostring(lua, -1));
    }
  } else if (value) {
    element.set_attribute(name.name, *value, name.ns);
  } else {
    element.remove_attribute(name.name, name.ns);
  }
  lua_settop(lua, 3);
  return 1;
}

int name(lua_State* lua) {
  const NodeHandle& handle = Bridge::of(lua).check_node(lua, 1);
  push_text(lua, handle.node->is_text ? std::string_view("text")
                                      : static_cast<Element*>(handle.node)->name());
  return 1;
}

int ns(lua_State* lua) {
  const NodeHandle& handle = Bridge::of(lua).check_node(lua, 1);
  if (handle.node->is_text) return 0;
  push_text(lua, static_cast<Element*>(handle.node)->ns());
  return 1;
}

/// node:contents([text])
int contents(lua_State* lua) {
  const NodeHandle& handle = Bridge::of(lua).check_node(lua, 1);
  auto* text_node = handle.node->is_text ? static_cast<TextNode*>(handle.node) : nullptr;
  auto* element = handle.node->is_text ? nullptr : static_cast<Element*>(handle.node);
  if (lua_gettop(lua) >= 2) {
    const std::string_view text = check_text(lua, 2);
    luaL_argcheck(lua, xmpp::is_xml_text(text), 2, "must be UTF-8 text that XML allows");
    if (text_node != nullptr) {
      text_node->text = handle.slot->root->arena().copy(text);
    } else {
      element->clear_children();
      if (!text.empty()) element->add_text(text);
    }
    lua_settop(lua, 2);
    return 1;
  }
  if (text_node != nullptr) {
    push_text(lua, text_node->text);
  } else if (const xmpp::Node* only = element->first_node();
             only != nullptr && only->is_text && only->next == nullptr) {
    push_text(lua, static_cast<const TextNode*>(only)->text);
  } else {
    push_text(lua, element->text());
  }
  return 1;
}

/// next(node, previous): the step of `for child in node:children()`.
int next_child(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  Element& element = bridge.check_element(lua, 1);
  xmpp::Node* next =
      lua_isnil(lua, 2) ? element.first_node() : bridge.check_node(lua, 2).node->next;
  if (next == nullptr) return 0;
  bridge.push_node(lua, *bridge.check_node(lua, 1).slot, *next);
  return 1;
}

int children(lua_State* lua) {
  Bridge::of(lua).check_element(lua, 1);
  lua_pushvalue(lua, lua_upvalueindex(2));
  lua_pushvalue(lua, 1);
  lua_pushnil(lua);
  return 3;
}

/// node:child(name [, ns])
int child(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  Element& element = bridge.check_element(lua, 1);
  Element* found =
      element.child(scriptlet::optional_text(lua, 2), scriptlet::optional_text(lua, 3));
  if (found == nullptr) return 0;
  bridge.push_node(lua, *bridge.check_node(lua, 1).slot, *found);
  return 1;
}

std::string_view check_name(lua_State* lua, int index) {
  const std::string_view given = check_text(lua, index);
  luaL_argcheck(lua, xmpp::is_xml_name(given), index, "must be an element name without a prefix");
  return given;
}

std::string_view check_namespace(lua_State* lua, int index, std::string_view otherwise) {
  if (lua_isnoneornil(lua, index)) return otherwise;
  const std::string_view given = check_text(lua, index);
  luaL_argcheck(lua, xmpp::is_xml_text(given), index, "must be UTF-8 text that XML allows");
  return given;
}

/// node:addchild(name_or_node [, ns]): what is added, which is a copy where a node was given
int add_child(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  Element& element = bridge.check_element(lua, 1);
  Element* added = nullptr;
  if (bridge.test_node(lua, 2) == nullptr) {
    const std::string_view child_name = check_name(lua, 2);
    added = &element.add_child(child_name, check_namespace(lua, 3, {}));
  } else if (const NodeHandle& given = bridge.check_node(lua, 2); given.node->is_text) {
    element.add_text(static_cast<TextNode*>(given.node)->text);
    return 0;
  } else {
    const Element& other = static_cast<Element&>(*given.node);
    // Within one document the copied tree could contain the place it is copied to.
    added = &other == &element || given.slot == bridge.check_node(lua, 1).slot
                ? &element.add_copy(xmpp::Document::copy_of(other).root())
                : &element.add_copy(other);
  }
  bridge.push_node(lua, *bridge.check_node(lua, 1).slot, *added);
  return 1;
}

int unlink(lua_State* lua) {
  const NodeHandle& handle = Bridge::of(lua).check_node(lua, 1);
  if (Element* parent = handle.node->parent; parent != nullptr) {
    // A loop over children() that unlinks as it goes still finds the next one.
    xmpp::Node* next = handle.node->next;
    parent->remove_child(*handle.node);
    handle.node->next = next;
    handle.node->parent = nullptr;
  }
  lua_settop(lua, 1);
  return 1;
}

int clone(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  bridge.push_document(lua, xmpp::Document::copy_of(bridge.check_element(lua, 1)));
  return 1;
}

int to_string(lua_State* lua) {
  const NodeHandle& handle = Bridge::of(lua).check_node(lua, 1);
  std::string out;
  if (handle.node->is_text) {
    xmpp::escape_text(out, static_cast<TextNode*>(handle.node)->text);
  } else {
    xmpp::write_element(out, static_cast<Element&>(*handle.node), {});
  }
  push_text(lua, out);
  return 1;
}

/// Two handles of the same node are equal.
int equal(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  const NodeHandle* a = bridge.test_node(lua, 1);
  const NodeHandle* b = bridge.test_node(lua, 2);
  lua_pushboolean(lua, a && b && a->node == b->node && a->generation == b->generation ? 1 : 0);
  return 1;
}

/// node:doc()
int document(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  DocumentSlot& slot = *bridge.check_node(lua, 1).slot;
  bridge.push_root(lua, slot);
  lua_rawgeti(
      lua, LUA_REGISTRYINDEX,
      slot.is_owned ? bridge.metatables.own_document_ref : bridge.metatables.lent_document_ref);
  lua_setmetatable(lua, -2);
  return 1;
}

int collect(lua_State* lua) {
  const auto* handle = static_cast<NodeHandle*>(lua_touserdata(lua, 1));
  Bridge::of(lua).documents().release(*handle);
  return 0;
}

constexpr luaL_Reg kMethods[] = {{"attr", &attr},          {"attribute", &attr},
                                 {"name", &name},          {"ns", &ns},
                                 {"contents", &contents},  {"child", &child},
                                 {"addchild", &add_child}, {"unlink", &unlink},
                                 {"clone", &clone},        {"tostring", &to_string},
                                 {"doc", &document},       {nullptr, nullptr}};

/// The metatable on top: everything but __index and __gc.
const void* finish(lua_State* lua, Bridge& bridge, bool is_owned) {
  static constexpr luaL_Reg kMeta[] = {
      {"__tostring", &to_string}, {"__eq", &equal}, {nullptr, nullptr}};
  static constexpr luaL_Reg kCollect[] = {{"__gc", &collect}, {nullptr, nullptr}};
  set_functions(lua, bridge, kMeta);
  if (is_owned) set_functions(lua, bridge, kCollect);
  lua_getfield(lua, -1, "__index");
  lua_pushlightuserdata(lua, &bridge);
  lua_pushlightuserdata(lua, &bridge);
  lua_pushcclosure(lua, &next_child, 1);
  lua_pushcclosure(lua, &children, 2);
  lua_setfield(lua, -2, "children");
  lua_pop(lua, 1);
  const void* address = lua_topointer(lua, -1);
  lua_pop(lua, 1);
  return address;
}

}  // namespace

void open_nodes(lua_State* lua, Bridge& bridge) {
  auto& m = bridge.metatables;
  make_metatable(lua, bridge, kMethods, &m.lent_node_ref);
  m.lent_node = finish(lua, bridge, false);
  make_metatable(lua, bridge, kMethods, &m.own_node_ref);
  m.own_node = finish(lua, bridge, true);
}

}  // namespace impulse::xmpp_lua
