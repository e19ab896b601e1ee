// From the bytes of the section to checked records.
#include "plugin/metadata.h"

#include <trainhost/types.h>

#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "plugin/elf_section.h"
#include "plugin/split.h"

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
