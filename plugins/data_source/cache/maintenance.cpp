#include "maintenance.h"

#include <algorithm>
#include <system_error>

#include <nlohmann/json.hpp>
#include <trainhost/cpp/error.hpp>

#include "files/byte_size.h"
#include "segment.h"
#include "store_folder.h"

namespace trainhost::sample_cache {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kInUseSeconds = 120;  // a run says more often than that what it uses

std::string age_text(int64_t used_s) {
  const int64_t age = std::max<int64_t>(unix_seconds() - used_s, 0);
  if (age < 120) return format("{} s ago", age);
  if (age < 2 * 3600) return format("{} min ago", age / 60);
  if (age < 48 * 3600) return format("{} h ago", age / 3600);
  return format("{} days ago", age / 86400);
}

uint64_t bytes_of(const KeptSet& set) {
  uint64_t bytes = 0;
  for (const KeptSegment& segment : set.segments) bytes += segment.bytes;
  return bytes;
}

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// What reading one segment back has found.
struct Verdict {
  uint64_t samples = 0, damaged = 0;
  std::string note;
};

Verdict verify_segment(const KeptSegment& kept) {
  Verdict verdict;
  const auto segment = Segment::open(kept.path);
  if (!segment) return {0, 1, "its header is damaged"};
  std::vector<Record> records = segment->read_index();
  for (const Record& record : segment->scan()) records.push_back(record);
  std::vector<std::byte> content;
  for (const Record& record : records) {
    content.resize(record.bytes);
    ++verdict.samples;
    verdict.damaged += !segment->read(record, content);
  }
  if (segment->size() > segment->end()) verdict.note = format("{} bytes behind the last whole sample: a writer is at work, or was killed", segment->size() - segment->end());
  return verdict;
}

}  // namespace

std::string list_kept(const std::filesystem::path& root) {
  uint64_t bytes = 0, segments = 0;
  Json rows = Json::array();
  for (const KeptSet& set : kept_sets(root)) {
    int64_t used_s = 0;
    for (const KeptSegment& segment : set.segments) used_s = std::max(used_s, segment.used_s);
    bytes += bytes_of(set);
    segments += set.segments.size();
    rows.push_back({set.folder.filename().string(), byte_size_text(bytes_of(set)), set.segments.size(), age_text(used_s), set.description});
  }
  return text_of({{"facts", {{"folder", root.string()}, {"data sets", rows.size()}, {"segments", segments}, {"size", byte_size_text(bytes)}, {"bytes", bytes}}},
                  {"tables", {{{"title", "data sets"}, {"columns", {"NAME", "SIZE", "SEGMENTS", "USED", "SOURCE"}}, {"rows", rows}}}},
                  {"damaged", 0}});
}

std::string collect_kept(const std::filesystem::path& root, uint64_t limit_bytes) {
  Collected done;
  try {
    if (std::filesystem::exists(root)) {
      const FolderLock lock(root);
      done = collect(root, limit_bytes, unix_seconds() - kInUseSeconds);
    }
  } catch (const std::system_error& error) {
    throw PluginError(TRAINHOST_PERMISSION_DENIED, format("{}; run as the user that owns the folder", error.what()));
  }
  Json facts = {{"folder", root.string()},
                {"limit", byte_size_text(limit_bytes)},
                {"removed", byte_size_text(done.removed_bytes)},
                {"removed segments", done.removed_segments},
                {"left", byte_size_text(done.left_bytes)},
                {"bytes", done.left_bytes}};
  if (done.left_bytes > limit_bytes) facts["note"] = "the rest was used in the last two minutes, or is being written";
  return text_of({{"facts", facts}, {"tables", Json::array()}, {"damaged", 0}});
}

std::string verify_kept(const std::filesystem::path& root) {
  uint64_t samples = 0, damaged = 0;
  Json rows = Json::array();
  for (const KeptSet& set : kept_sets(root))
    for (const KeptSegment& segment : set.segments) {
      const Verdict verdict = verify_segment(segment);
      samples += verdict.samples;
      damaged += verdict.damaged;
      const std::string name = format("{}/{}", set.folder.filename(), segment.path.filename());
      if (verdict.damaged > 0 || !verdict.note.empty()) rows.push_back({name, verdict.samples, verdict.damaged, verdict.note});
    }
  Json facts = {{"folder", root.string()}, {"samples", samples}, {"damaged", damaged}};
  if (damaged > 0) facts["note"] = "a run that meets damage reads the samples again from their source, and removes the segment";
  return text_of({{"facts", facts}, {"tables", {{{"title", "segments to look at"}, {"columns", {"SEGMENT", "SAMPLES", "DAMAGED", "NOTE"}}, {"rows", rows}}}}, {"damaged", damaged}});
}

}  // namespace trainhost::sample_cache
