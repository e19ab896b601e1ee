// Texts of ids, manifests and records, and their strict reading.
#include "checkpoint/record.h"

#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

#include <trainhost/format.hpp>

#include "base/crc32c.h"

namespace trainhost {
namespace {

using nlohmann::json;

/// Takes `prefix` and a decimal number off the front of `text`.
bool take_number(std::string_view& text, std::string_view prefix, uint64_t& out) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

/// A real number, a negative one, or one that is too large would become another one without a word.
uint64_t whole_number(const json& value, uint64_t largest = UINT64_MAX) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > largest) throw RecordError(format("has {} where a whole number from 0 to {} belongs", value.dump(), largest));
  return value.get<uint64_t>();
}

uint32_t checksum(const json& value) { return static_cast<uint32_t>(whole_number(value, UINT32_MAX)); }

/// An object lies in its checkpoint's own folder, whatever a manifest says.
void require_plain_name(const std::string& name) {
  const bool is_plain = !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") == std::string::npos && name.front() != '.';
  if (!is_plain) throw RecordError(format("names the object \"{}\"; wanted a name of a-z, 0-9, _ and . within the checkpoint's folder", name));
}

/// Runs `read` over the parsed text; what is missing or of the wrong type becomes a RecordError.
template <class Read>
auto read_json(std::string_view text, const Read& read) {
  try {
    const json value = json::parse(text.begin(), text.end());
    const uint64_t format_number = whole_number(value.at("format"));
    if (format_number > Manifest::kFormat)
      throw NewerFormat(format("is of format {}, this program reads format {}; use the trainhost that wrote it, or a newer one", format_number, Manifest::kFormat));
    if (format_number != Manifest::kFormat) throw RecordError(format("is of format {}, wanted {}", format_number, Manifest::kFormat));
    return read(value);
  } catch (const json::exception& error) {
    throw RecordError(format("cannot be understood: {}", error.what()));
  }
}

}  // namespace

std::string CheckpointId::text() const { return format("step-{:012d}-a{:06d}-n{:06d}", step, attempt, save); }

std::optional<CheckpointId> CheckpointId::parse(std::string_view text) {
  CheckpointId id;
  std::string_view rest = text;
  if (!take_number(rest, "step-", id.step) || !take_number(rest, "-a", id.attempt) || !take_number(rest, "-n", id.save)) return std::nullopt;
  return id.text() == text ? std::optional(id) : std::nullopt;
}

CheckpointUri split_checkpoint_uri(const std::string& uri) {
  std::string_view trimmed = uri;
  while (trimmed.ends_with('/')) trimmed.remove_suffix(1);
  const size_t slash = trimmed.rfind('/');
  if (slash == std::string_view::npos) return {uri, std::nullopt};
  const std::optional<CheckpointId> id = CheckpointId::parse(trimmed.substr(slash + 1));
  return id ? CheckpointUri{std::string(trimmed.substr(0, slash)), id} : CheckpointUri{uri, std::nullopt};
}

std::string seal(std::string_view line) {
  std::string text(line);
  text += '\n';
  return text + format("{:08x}\n", crc32c(text.data(), text.size()));
}

std::string_view unseal(std::string_view text) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) throw RecordError("is cut off");
  const std::string_view line = text.substr(0, end);
  if (seal(line) != text) throw RecordError("does not match its own checksum");
  return line;
}

std::string Manifest::text() const {
  json value = {{"format", kFormat}, {"written_by", "trainhost " TRAINHOST_VERSION}, {"run_id", run_id}, {"trajectory_hash", trajectory_hash},
                {"window", window},  {"block_bytes", block_bytes},                    {"objects", json::array()}, {"plugins", json::array()}};
  for (const ObjectRecord& object : objects)
    value["objects"].push_back({{"name", object.name},
                                {"bytes", object.bytes},
                                {"header_bytes", object.header_bytes},
                                {"header_crc32c", object.header_crc32c},
                                {"block_crc32c", object.block_crc32c}});
  for (const PluginVersion& plugin : plugins) value["plugins"].push_back({{"name", plugin.name}, {"version", plugin.version}});
  return value.dump() + "\n";
}

Manifest Manifest::parse(std::string_view text) {
  return read_json(text, [](const json& value) {
    Manifest manifest;
    value.at("run_id").get_to(manifest.run_id);
    value.at("trajectory_hash").get_to(manifest.trajectory_hash);
    manifest.window = whole_number(value.at("window"));
    manifest.block_bytes = whole_number(value.at("block_bytes"));
    if (manifest.block_bytes == 0) throw RecordError("block_bytes is 0");
    for (const json& object : value.at("objects")) {
      ObjectRecord record{object.at("name"), whole_number(object.at("bytes")), whole_number(object.at("header_bytes")), checksum(object.at("header_crc32c")), {}};
      require_plain_name(record.name);
      for (const json& block : object.at("block_crc32c")) record.block_crc32c.push_back(checksum(block));
      const uint64_t num_blocks = record.bytes / manifest.block_bytes + (record.bytes % manifest.block_bytes != 0);
      if (record.block_crc32c.size() != num_blocks || record.header_bytes > record.bytes) throw RecordError(format("{}: sizes contradict each other", record.name));
      manifest.objects.push_back(std::move(record));
    }
    for (const json& plugin : value.at("plugins")) manifest.plugins.push_back({plugin.at("name"), plugin.at("version")});
    return manifest;
  });
}

const ObjectRecord& Manifest::object(std::string_view name) const {
  for (const ObjectRecord& record : objects)
    if (record.name == name) return record;
  throw RecordError(format("does not mention {}", name));
}

std::string CommitRecord::text() const {
  json value = {{"format", Manifest::kFormat}, {"id", id}, {"window", window}, {"manifest_bytes", manifest_bytes}, {"manifest_crc32c", manifest_crc32c}, {"unix_ms", unix_ms}};
  value["evaluation"] = json::object();
  for (const auto& [name, number] : evaluation)
    if (std::isfinite(number)) value["evaluation"][name] = number;
  return seal(value.dump());
}

CommitRecord CommitRecord::parse(std::string_view text) {
  return read_json(unseal(text), [](const json& value) {
    CommitRecord record;
    value.at("id").get_to(record.id);
    record.window = whole_number(value.at("window"));
    record.manifest_bytes = whole_number(value.at("manifest_bytes"));
    record.manifest_crc32c = checksum(value.at("manifest_crc32c"));
    record.unix_ms = static_cast<int64_t>(whole_number(value.at("unix_ms"), INT64_MAX));
    value.at("evaluation").get_to(record.evaluation);
    return record;
  });
}

std::string marked_id(std::string_view text) {
  return read_json(unseal(text), [](const json& value) { return value.at("id").get<std::string>(); });
}

}  // namespace trainhost
