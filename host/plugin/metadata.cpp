// From the bytes of the section to checked records, and from records to a yes or a no with a remedy.
#include "plugin/metadata.h"

#include <trainhost/types.h>

#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "plugin/elf_section.h"
#include "plugin/kind.h"

namespace trainhost {
namespace {

using nlohmann::json;

constexpr size_t kMaxRecords = 256;

// Every complaint about a record names file, record and field.
struct RecordReader {
  const std::filesystem::path& file;
  size_t number;
  json object{};

  [[noreturn]] void fail(const std::string& complaint) const {
    throw Error(ExitCode::kPlugin, format("{}: record {} of its plugin section {}; build it again with this SDK", file.string(), number, complaint));
  }

  const json& field(const char* key, json::value_t type, const char* wanted) const {
    const auto found = object.find(key);
    if (found == object.end()) fail(format("lacks \"{}\", wanted {}", key, wanted));
    if (found->type() != type)
      fail(format("has \"{}\": {}, wanted {}", key, found->dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 60), wanted));
    return *found;
  }

  std::string text(const char* key) const { return field(key, json::value_t::string, "a string").get<std::string>(); }

  uint32_t number_of(const char* key) const {
    const json& value = field(key, json::value_t::number_unsigned, "a whole number from 0");
    if (value.get<uint64_t>() > UINT32_MAX) fail(format("has \"{}\": {}, wanted a 32-bit number", key, value.get<uint64_t>()));
    return value.get<uint32_t>();
  }

  std::vector<std::string> texts(const char* key) const {
    std::vector<std::string> list;
    if (!object.contains(key)) return list;
    for (const json& entry : field(key, json::value_t::array, "a list of strings")) {
      if (!entry.is_string()) fail(format("has a \"{}\" that is no list of strings", key));
      list.push_back(entry.get<std::string>());
    }
    return list;
  }

  std::string identifier(const char* key) const {
    const std::string word = text(key);
    const bool is_plain = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
    if (word.empty() || word.size() > 64 || !is_plain) fail(format("has \"{}\": \"{}\", wanted [a-z0-9_], at most 64 characters", key, word));
    return word;
  }

  PluginRecord read(std::string_view bytes) {
    object = json::parse(bytes, nullptr, false);
    if (!object.is_object()) fail(object.is_discarded() ? "is not JSON" : "is JSON, but no object");
    PluginRecord record;
    record.file = file;
    record.metadata = bytes;
    record.abi = number_of("abi");
    if (record.abi != TRAINHOST_ABI_MAJOR) return of_other_major(std::move(record));
    record.kind = identifier("kind");
    record.name = identifier("name");
    record.version = text("version");
    record.summary = text("summary");
    if (object.contains("min_host_minor")) record.min_host_minor = number_of("min_host_minor");
    if (object.contains("torch_build") && !object["torch_build"].is_null()) record.torch_build = text("torch_build");
    record.needs = texts("needs");
    record.schemes = texts("schemes");
    if (object.contains("decorates")) record.decorates = number_of("decorates");
    if (object.contains("stateful")) record.is_stateful = field("stateful", json::value_t::boolean, "true or false").get<bool>();
    record.schema = std::make_shared<const json>(object.contains("schema") ? field("schema", json::value_t::object, "a JSON Schema object") : json::object());
    return record;
  }

  // Nothing but "abi" is known of another major; the names are for the message.
  PluginRecord of_other_major(PluginRecord record) const {
    const auto word = [&](const char* key) { return object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "?"; };
    record.kind = word("kind");
    record.name = word("name");
    record.schema = std::make_shared<const json>(json::object());
    return record;
  }
};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t end = 0; end != std::string_view::npos; text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1))
    parts.push_back(text.substr(0, end = text.find(separator)));
  return parts;
}

// "cuda=12.8, this host has cuda=13.0": the first part of the build strings that is not the same.
std::string first_difference(const std::string& plugin, const std::string& host) {
  const auto theirs = split(plugin, ';'), ours = split(host, ';');
  for (size_t i = 0; i < std::min(theirs.size(), ours.size()); ++i)
    if (theirs[i] != ours[i]) return format("{}{}, this host has {}", i == 0 ? "torch " : "", theirs[i], ours[i]);
  return format("\"{}\", this host has \"{}\"", plugin, host);
}

void check_torch_build(const PluginRecord& record, const HostAbi& host) {
  const std::string place = format("{}: {}", record.file.string(), record.full_name());
  if (!record.torch_build) {
    if (!require_kind(record.kind).needs_torch) return;
    throw Error(ExitCode::kPlugin,
                format("{} is of a kind that links LibTorch, but states no torch_build; build it with trainhost_add_plugin(... TORCH)", place));
  }
  if (*record.torch_build == host.torch_build) return;
  if (host.torch_build == "none")
    throw Error(ExitCode::kPlugin,
                format("{} needs torch {}, this host is built without LibTorch; use a host built with TRAINHOST_TORCH=ON", place, *record.torch_build));
  throw Error(ExitCode::kPlugin, format("{} is built for another LibTorch: {}; build the plugin again against this host's SDK and LibTorch", place,
                                        first_difference(*record.torch_build, host.torch_build)));
}

}  // namespace

HostAbi host_abi() { return {TRAINHOST_ABI_MAJOR, TRAINHOST_ABI_MINOR, TRAINHOST_TORCH_BUILD}; }

std::vector<PluginRecord> read_records(const std::filesystem::path& file) {
  const FileIdentity identity = file_identity(file);  // before anything is read
  const std::optional<std::string> section = read_elf_section(file, ".trainhost.plugin");
  if (!section)
    throw Error(ExitCode::kPlugin, format("{}: is a shared library, but no trainhost plugin: it has no section .trainhost.plugin; build it with "
                                          "trainhost_add_plugin(), or take it out of the plugin folder",
                                          file.string()));
  std::vector<PluginRecord> records;
  for (const std::string_view bytes : split(*section, '\0')) {
    if (bytes.empty()) continue;  // padding between records
    RecordReader reader{file, records.size() + 1};
    if (records.size() == kMaxRecords) reader.fail(format("is one too many: a file holds at most {}", kMaxRecords));
    records.push_back(reader.read(bytes));
    records.back().identity = identity;
  }
  if (records.empty()) throw Error(ExitCode::kPlugin, format("{}: its section .trainhost.plugin is empty; build it again with this SDK", file.string()));
  return records;
}

void check_compatible(const PluginRecord& record, const HostAbi& host) {
  const std::string file = record.file.string();
  if (record.abi != host.major)
    throw Error(ExitCode::kPlugin, format("{}: {} speaks ABI {}, this host speaks ABI {}; {}", file, record.full_name(), record.abi, host.major,
                                          record.abi > host.major ? "update trainhost" : "build the plugin again with this host's SDK"));
  if (record.min_host_minor > host.minor)
    throw Error(ExitCode::kPlugin,
                format("{}: needs host ABI {}.{}, this host has {}.{}; update trainhost or rebuild the plugin with TRAINHOST_TARGET_MINOR={}", file, host.major,
                       record.min_host_minor, host.major, host.minor, host.minor));
  try {
    require_kind(record.kind);
  } catch (const Error& error) {
    throw Error(ExitCode::kPlugin,
                format("{}: {} is of a kind that this host has not (update trainhost or correct the plugin): {}", file, record.full_name(), error.what()));
  }
  check_torch_build(record, host);
}

std::string file_sha256(const PluginRecord& record) {
  const std::string digest = sha256_of_file(record.file, ExitCode::kPlugin);
  require_unchanged(record.file, record.identity);
  return digest;
}

std::vector<PluginRecord> read_plugin_file(const std::filesystem::path& file, const HostAbi& host) {
  std::vector<PluginRecord> records = read_records(file);
  for (const PluginRecord& record : records) check_compatible(record, host);
  return records;
}

}  // namespace trainhost
