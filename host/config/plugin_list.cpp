// Names into plugins, and the algebra of --plugins.
#include "config/plugin_list.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/nearest.h"

namespace trainhost {
namespace {

using Known = std::span<const KnownPlugin>;

std::vector<std::string> words_at(const ConfigTree& tree, const KeyPath& path) {
  const nlohmann::json* list = tree.find(path);
  if (!list) return {};
  const std::string place = format("{}: {}", tree.origin(path).text, key_text(path));
  const bool is_list_of_text = list->is_array() && std::all_of(list->begin(), list->end(), [](const auto& word) { return word.is_string(); });
  if (!is_list_of_text) throw Error(ExitCode::kConfig, format("{} must be a list of names, got {}; write [\"a\", \"b\"]", place, list->dump()));
  return list->get<std::vector<std::string>>();
}

// The same file, however it is reached.
bool is_file(std::string_view word, const std::string& file) {
  if (file.empty() || !is_path_word(word)) return false;
  std::error_code ignored;
  return std::filesystem::weakly_canonical(word, ignored) == std::filesystem::weakly_canonical(file, ignored);
}

std::string place_of(const ConfigTree& tree, const KeyPath& path) { return format("{}: {}", tree.origin(path).text, key_text(path)); }

// Both spellings, so that a mistyped one finds either.
std::vector<std::string> spellings(Known known, bool with_kind) {
  std::set<std::string> words;
  for (const KnownPlugin& plugin : known) words.insert(with_kind ? plugin.full_name() : plugin.name);
  return {words.begin(), words.end()};
}

bool has_decorator_of_several(const std::vector<const KnownPlugin*>& chosen, const std::string& kind) {
  return std::any_of(chosen.begin(), chosen.end(), [&](const KnownPlugin* plugin) { return plugin->kind == kind && plugin->decorates > 1; });
}

// One --plugins at work.
class Editor {
 public:
  Editor(PluginLists& lists, Known known) : lists_(lists), known_(known) {}

  void prepare(std::span<const std::string> edits) {
    for (const std::string& edit : edits)
      if (!edit.starts_with('-')) asked_.push_back(&find_plugin(edit, known_, "--plugins"));
  }

  void remove(const std::string& word) {
    size_t num_removed = 0;
    for (auto* list : {&lists_.plugins, &lists_.data_decorators, &lists_.checkpoint_decorators})
      num_removed += std::erase_if(*list, [&](const std::string& listed) { return listed == word || means_same(listed, word); });
    if (num_removed > 0) return;
    throw Error(ExitCode::kConfig, format("--plugins: -{}: {} is not chosen, so it cannot be left out{}", word, word, did_you_mean(word, all_words())));
  }

  void add(const std::string& word) {
    const KnownPlugin& plugin = find_plugin(word, known_, "--plugins");
    for (const auto* list : {&lists_.plugins, &lists_.data_decorators, &lists_.checkpoint_decorators})
      for (const std::string& listed : *list)
        if (means(listed, plugin)) return claim(plugin);
    const auto rival = plugin.allows_many || plugin.decorates > 0 ? lists_.plugins.end() : find_rival(plugin);
    claim(plugin);
    if (rival == lists_.plugins.end())
      lists_.plugins.push_back(word);
    else
      *rival = word;
  }

 private:
  // Two names of one flag that stand for the same place contradict each other.
  void claim(const KnownPlugin& plugin) {
    const bool is_alone = !plugin.allows_many && plugin.decorates == 0 && !has_decorator_of_several(asked_, plugin.kind);
    const auto twin =
        std::find_if(claimed_.begin(), claimed_.end(), [&](const KnownPlugin* other) { return other->kind == plugin.kind && !other->is(plugin); });
    if (is_alone && twin != claimed_.end())
      throw Error(ExitCode::kConfig,
                  format("--plugins: {} and {} are both a {}, of which a run has one; leave one out", (*twin)->name, plugin.name, plugin.kind));
    if (plugin.decorates == 0) claimed_.push_back(&plugin);
  }

  // A listed plugin that the new one replaces: of its kind, no decorator, not asked for by this flag.
  std::vector<std::string>::iterator find_rival(const KnownPlugin& plugin) {
    return std::find_if(lists_.plugins.begin(), lists_.plugins.end(), [&](const std::string& listed) {
      const KnownPlugin* other = find_quietly(listed);
      const bool is_wanted = other && std::any_of(asked_.begin(), asked_.end(), [&](const KnownPlugin* asked) { return asked->is(*other); });
      return other && other->kind == plugin.kind && other->decorates == 0 && !is_wanted;
    });
  }

  const KnownPlugin* find_quietly(const std::string& word) const {
    try {
      return &find_plugin(word, known_, "");
    } catch (const Error&) {
      return nullptr;  // a listed plugin that is not installed is reported by select_plugins(), unless this flag removes it
    }
  }
  bool means(const std::string& listed, const KnownPlugin& plugin) const {
    const KnownPlugin* other = find_quietly(listed);
    return other && other->is(plugin);
  }
  bool means_same(const std::string& listed, const std::string& word) const {
    const KnownPlugin* plugin = find_quietly(word);
    return plugin && means(listed, *plugin);
  }
  std::vector<std::string> all_words() const {
    std::vector<std::string> words = lists_.plugins;
    words.insert(words.end(), lists_.data_decorators.begin(), lists_.data_decorators.end());
    words.insert(words.end(), lists_.checkpoint_decorators.begin(), lists_.checkpoint_decorators.end());
    return words;
  }

  PluginLists& lists_;
  Known known_;
  std::vector<const KnownPlugin*> asked_, claimed_;
};

// Collects what select_plugins() returns.
class Selector {
 public:
  Selector(const ConfigTree& tree, Known known) : tree_(tree), known_(known) {}

  void take_plugins() {
    const std::string place = place_of(tree_, {"plugins"});
    for (const std::string& word : words_at(tree_, {"plugins"})) {
      const KnownPlugin& plugin = find_plugin(word, known_, place);
      if (has(plugins_, plugin) || has(listed_decorators_, plugin))
        throw Error(ExitCode::kConfig, format("{}: {} is listed twice; leave one out", place, word));
      (plugin.decorates > 0 ? listed_decorators_ : plugins_).push_back(&plugin);
    }
  }

  void take_decorators(const std::string& table, const std::string& kind) {
    const KeyPath path{table, "decorators"};
    const std::string place = place_of(tree_, path);
    for (const std::string& word : words_at(tree_, path)) {
      const KnownPlugin& plugin = find_plugin(word, known_, place);
      if (plugin.kind != kind || plugin.decorates == 0)
        throw Error(ExitCode::kConfig, format("{}: {} is no decorator of a {}; list it in `plugins`", place, plugin.full_name(), kind));
      if (has(decorators_, plugin)) throw Error(ExitCode::kConfig, format("{}: {} is listed twice; leave one out", place, word));
      decorators_.push_back(&plugin);
    }
  }

  void check_op_pack_order() const {
    const KeyPath path{"op_pack", "order"};
    for (const std::string& word : words_at(tree_, path))
      if (const KnownPlugin& plugin = find_plugin(word, known_, place_of(tree_, path)); plugin.kind != "op_pack")
        throw Error(ExitCode::kConfig, format("{}: {} is a {}; the list orders op packs only", place_of(tree_, path), word, plugin.kind));
  }

  std::vector<KnownPlugin> finish() {
    for (const KnownPlugin* plugin : listed_decorators_)
      if (!has(decorators_, *plugin)) decorators_.push_back(plugin);
    check_one_of_a_kind();
    for (const KnownPlugin* decorator : decorators_) check_has_upstream(*decorator);
    std::vector<KnownPlugin> all;
    for (const KnownPlugin* plugin : plugins_) all.push_back(*plugin);
    for (const KnownPlugin* plugin : decorators_) all.push_back(*plugin);
    return all;
  }

 private:
  static bool has(const std::vector<const KnownPlugin*>& list, const KnownPlugin& plugin) {
    return std::any_of(list.begin(), list.end(), [&](const KnownPlugin* other) { return other->is(plugin); });
  }

  void check_one_of_a_kind() const {
    for (auto plugin = plugins_.begin(); plugin != plugins_.end(); ++plugin) {
      if ((*plugin)->allows_many || has_decorator_of_several(decorators_, (*plugin)->kind)) continue;
      const auto twin = std::find_if(std::next(plugin), plugins_.end(), [&](const KnownPlugin* other) { return other->kind == (*plugin)->kind; });
      if (twin == plugins_.end()) continue;
      throw Error(ExitCode::kConfig, format("{}: {} and {} are both a {}, of which a run has one; leave one out", place_of(tree_, {"plugins"}), (*plugin)->name,
                                            (*twin)->name, (*plugin)->kind));
    }
  }

  void check_has_upstream(const KnownPlugin& decorator) const {
    if (std::any_of(plugins_.begin(), plugins_.end(), [&](const KnownPlugin* plugin) { return plugin->kind == decorator.kind; })) return;
    throw Error(ExitCode::kConfig, format("{}: {} wraps a {}, but none is chosen; add one", place_of(tree_, {"plugins"}), decorator.name, decorator.kind));
  }

  const ConfigTree& tree_;
  Known known_;
  std::vector<const KnownPlugin*> plugins_, listed_decorators_, decorators_;
};

}  // namespace

const KnownPlugin& find_plugin(std::string_view word, Known known, std::string_view place) {
  std::vector<const KnownPlugin*> found;
  for (const KnownPlugin& plugin : known) {
    const bool is_meant = word == plugin.name || word == plugin.full_name() || is_file(word, plugin.file);
    const bool is_twin = std::any_of(found.begin(), found.end(), [&](const KnownPlugin* other) { return other->is(plugin); });
    if (is_meant && !is_twin) found.push_back(&plugin);
  }
  if (found.size() == 1) return *found.front();
  if (found.empty())
    throw Error(ExitCode::kPlugin, format("{}: no plugin \"{}\" is installed{}; `trainhost plugins list` shows all", place, word,
                                          did_you_mean(word, spellings(known, word.find('/') != std::string_view::npos))));
  std::string candidates;
  for (const KnownPlugin* plugin : found) candidates += (candidates.empty() ? "" : " or ") + plugin->full_name();
  throw Error(ExitCode::kPlugin, format("{}: \"{}\" is ambiguous; write {}", place, word, candidates));
}

PluginLists plugin_lists(const ConfigTree& tree) {
  return {words_at(tree, {"plugins"}), words_at(tree, {"data", "decorators"}), words_at(tree, {"checkpoint", "decorators"})};
}

PluginLists edit_plugins(PluginLists lists, std::span<const std::string> edits, Known known) {
  Editor editor(lists, known);
  editor.prepare(edits);
  for (const std::string& edit : edits) {
    if (edit.starts_with('-'))
      editor.remove(edit.substr(1));
    else
      editor.add(edit);
  }
  return lists;
}

void apply_plugins_flag(ConfigTree& tree, std::span<const std::string> edits, Known known) {
  if (edits.empty()) return;
  std::string flag = "--plugins ";
  for (size_t i = 0; i < edits.size(); ++i) flag += (i ? "," : "") + edits[i];
  const PluginLists before = plugin_lists(tree);
  const PluginLists after = edit_plugins(before, edits, known);
  if (after.plugins != before.plugins) tree.set_flag({"plugins"}, after.plugins, flag);
  if (after.data_decorators != before.data_decorators) tree.set_flag({"data", "decorators"}, after.data_decorators, flag);
  if (after.checkpoint_decorators != before.checkpoint_decorators) tree.set_flag({"checkpoint", "decorators"}, after.checkpoint_decorators, flag);
}

std::vector<KnownPlugin> select_plugins(const ConfigTree& tree, Known known) {
  Selector selector(tree, known);
  selector.take_plugins();
  selector.take_decorators("data", "data_source");
  selector.take_decorators("checkpoint", "checkpoint_backend");
  selector.check_op_pack_order();
  return selector.finish();
}

void require_kinds(std::span<const std::string> kinds, Known chosen, Known known) {
  for (const std::string& kind : kinds) {
    const auto is_base = [&](const KnownPlugin& plugin) { return plugin.kind == kind && plugin.decorates == 0; };
    if (std::any_of(chosen.begin(), chosen.end(), is_base)) continue;
    std::set<std::string> candidates;
    for (const KnownPlugin& plugin : known)
      if (is_base(plugin)) candidates.insert(plugin.name);
    std::string list;
    for (const std::string& name : candidates) list += (list.empty() ? "" : ", ") + name;
    throw Error(ExitCode::kConfig,
                format("plugins: a run needs a {}, none is chosen; {}", kind, list.empty() ? "and none is installed" : "add one of: " + list));
  }
}

}  // namespace trainhost
