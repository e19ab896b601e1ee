// How the layers enter a ConfigTree: files with their includes, the environment, overrides, flags.
#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "config/file_paths.h"
#include "config/toml.h"
#include "config/tree.h"

namespace trainhost {
namespace {

namespace fs = std::filesystem;

constexpr int kEnvironmentLevel = 1'000'000, kOverrideLevel = kEnvironmentLevel + 1, kFlagLevel = kEnvironmentLevel + 2;

// One reading of a file and its includes: appends the documents in the order in which they apply.
struct Document {
  std::vector<TomlEntry> entries;
  bool is_included = false;
  fs::path folder = {};  // of the file
};

class Includer {
 public:
  std::vector<Document> documents;

  void read_file(const fs::path& file, const std::string& asked_by) {
    const fs::path identity = fs::weakly_canonical(file);
    if (const auto twin = std::find(open_.begin(), open_.end(), identity); twin != open_.end())
      throw Error(ExitCode::kConfig, format("{}: include goes in a circle: {} is being read already; remove one of the includes", asked_by, file));
    open_.push_back(identity);
    read_text(read_named(file, asked_by), file.string(), file.parent_path());
    open_.pop_back();
  }

  void read_text(std::string_view text, const std::string& name, const fs::path& folder) {
    Document document{parse_toml(text, name), depth_ > 0, folder};
    ++depth_;
    for (const TomlEntry& entry : document.entries)
      if (entry.path == KeyPath{"include"}) include(entry, folder);
    --depth_;
    std::erase_if(document.entries, [](const TomlEntry& entry) { return entry.path.front() == "include"; });
    documents.push_back(std::move(document));
  }

 private:
  static std::string read_named(const fs::path& file, const std::string& asked_by) {
    try {
      return trainhost::read_file(file, ExitCode::kConfig);
    } catch (const Error& error) {
      throw Error(error.code(), asked_by.empty() ? error.what() : format("{}: include: {}", asked_by, error.what()));
    }
  }

  void include(const TomlEntry& entry, const fs::path& folder) {
    const nlohmann::json list = entry.value.is_string() ? nlohmann::json::array({entry.value}) : entry.value;
    const bool is_list_of_text = list.is_array() && std::all_of(list.begin(), list.end(), [](const nlohmann::json& name) { return name.is_string(); });
    if (!is_list_of_text)
      throw Error(ExitCode::kConfig, format("{}: include must be a list of paths, got {}; write include = [\"base.toml\"]", entry.place, entry.value.dump()));
    for (const nlohmann::json& name : list) read_file((folder / name.get<std::string>()).lexically_normal(), entry.place);
  }

  std::vector<fs::path> open_;
  int depth_ = 0;
};

void require_utf8(std::string_view text, std::string_view place) {
  if (!is_utf8(text)) throw Error(ExitCode::kConfig, format("{}: the text is not UTF-8", place));
}

nlohmann::json value_of(std::string_view text) { return parse_toml_value(text).value_or(nlohmann::json(text)); }

KeyPath key_of_environment(std::string_view name) {
  KeyPath path;
  for (size_t start = 0; start <= name.size();) {
    const size_t end = std::min(name.find("__", start), name.size());
    std::string part(name.substr(start, end - start));
    std::transform(part.begin(), part.end(), part.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    path.push_back(std::move(part));
    start = end + 2;
  }
  return path;
}

size_t first_new_part(const ConfigTree& tree, const KeyPath& path) {
  KeyPath at;
  for (const std::string& part : path) {
    at.push_back(part);
    if (!tree.find(at)) return at.size() - 1;
  }
  return path.size();
}

// Each document has a level of its own, so that a later one replaces the alternatives of an earlier one.
void apply(const std::vector<Document>& documents, int& num_files, ConfigTree& tree) {
  for (const Document& document : documents) {
    const int level = ++num_files;
    for (const TomlEntry& entry : document.entries)
      tree.set(entry.path, with_absolute_paths(entry.path, entry.value, document.folder), {document.is_included ? Layer::kInclude : Layer::kFile, level, entry.place});
  }
}

void add_key(const KeyPath& path, std::string_view value, Origin origin, ConfigTree& tree) {
  origin.typed = value;
  const nlohmann::json* there = tree.find(path);
  const nlohmann::json written = value_of(value);
  const nlohmann::json parsed = with_absolute_paths(path, written, ".");
  if (origin.layer == Layer::kEnvironment && parsed != written)
    throw Error(ExitCode::kConfig, format("{}: {} has a relative path, which would mean another place in each working folder; write it from / on", origin.text,
                                          key_text(path)));
  if (there && there->is_object() && !parsed.is_object())
    throw Error(ExitCode::kConfig, format("{}: {} is a table, got the value {}; name one of its keys", origin.text, key_text(path), parsed.dump()));
  tree.set(path, parsed, origin);
}

}  // namespace

void ConfigTree::add_file(const fs::path& file) {
  Includer includer;
  includer.read_file(file, "");
  apply(includer.documents, num_files_, *this);
}

void ConfigTree::add_text(std::string_view text, const std::string& name, const fs::path& folder) {
  Includer includer;
  includer.read_text(text, name, folder);
  apply(includer.documents, num_files_, *this);
}

void ConfigTree::add_environment(std::span<const std::string> entries) {
  constexpr std::string_view kPrefix = "TRAINHOST__";
  std::vector<std::string> sorted(entries.begin(), entries.end());
  std::sort(sorted.begin(), sorted.end());
  for (const std::string& entry : sorted) {
    if (!entry.starts_with(kPrefix)) continue;
    const size_t equals = std::min(entry.find('='), entry.size());
    const std::string name = entry.substr(0, equals);
    const Origin origin{Layer::kEnvironment, kEnvironmentLevel, "environment " + name};
    const KeyPath path = key_of_environment(std::string_view(name).substr(kPrefix.size()));
    if (std::find(path.begin(), path.end(), "") != path.end())
      throw Error(ExitCode::kConfig, format("{}: the name holds an empty key; wanted TRAINHOST__A__B for the key a.b", origin.text));
    require_utf8(entry, origin.text);
    additions_.push_back({path, first_new_part(*this, path), origin});
    add_key(path, equals < entry.size() ? std::string_view(entry).substr(equals + 1) : "", origin, *this);
  }
}

void ConfigTree::apply_override(std::string_view text) {
  require_utf8(text, "override");
  const Origin origin{Layer::kOverride, kOverrideLevel, "override " + std::string(text)};
  const char verb = text.starts_with('+') || text.starts_with('~') ? text.front() : 0;
  const std::string_view body = text.substr(verb ? 1 : 0);
  const size_t equals = find_unquoted(body, "=");
  const bool has_value = equals != std::string_view::npos;
  if (has_value == (verb == '~')) throw Error(ExitCode::kConfig, format("{}: wanted a.b=c (set), +a.b=c (add) or ~a.b (delete)", origin.text));
  KeyPath path;
  try {
    path = parse_key(body.substr(0, equals));
  } catch (const Error& error) {
    throw Error(error.code(), format("{}: {}", origin.text, error.what()));
  }
  const size_t first_new = first_new_part(*this, path);
  if (verb == '~') {
    if (!erase(path)) throw Error(ExitCode::kConfig, format("{}: nothing to delete, {} is not set", origin.text, key_text(path)));
    return;
  }
  if (verb == '+' && first_new == path.size())
    throw Error(ExitCode::kConfig, format("{}: {} is there already ({}); write {} to change it", origin.text, key_text(path), this->origin(path).text, body));
  if (verb != '+') additions_.push_back({path, first_new, origin});
  add_key(path, body.substr(equals + 1), origin, *this);
}

void ConfigTree::set_flag(const KeyPath& path, nlohmann::json value, std::string_view flag) {
  set(path, with_absolute_paths(path, std::move(value), "."), {Layer::kFlag, kFlagLevel, "flag " + std::string(flag)});
}

}  // namespace trainhost
