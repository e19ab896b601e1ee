// Shards are indexed in any order, on several threads, and taken in the order of their names.
#include "shards.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "dali_index.h"
#include "files/parallel.h"
#include "index_file.h"
#include "files/local_file.h"
#include "seek_table.h"
#include "zstd_file.h"

namespace trainhost::tarshards {
namespace {

constexpr uint64_t kCachedBytes = uint64_t{64} << 20;  // of decompressed frames
constexpr size_t kMostOpen = 256;  // shards whose descriptors are kept; a process has room for about a thousand

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : between) + word;
  return out;
}

std::vector<ListedFile> list_shards(remote::DataFiles& data, const ShardOptions& options) {
  std::vector<ListedFile> files = data.list(options.files, "tarshards.files");
  std::erase_if(files, [](const ListedFile& file) { return is_index_name(file.path); });
  if (files.empty()) throw PluginError(TRAINHOST_NOT_FOUND, format("tarshards.files {}: only indexes of shards are there, no shards", joined(options.files, ", ")));
  return files;
}

void refuse_gzip(const RangedFile& file) {
  std::array<std::byte, 2> start{};
  if (file.size() >= start.size()) file.read(0, start);
  if (start == std::array{std::byte{0x1f}, std::byte{0x8b}})
    throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: compressed by gzip, in which samples cannot be found; unpack it, or compress it in Zstandard's seekable format", file.name()));
}

// The index without the archive's time of change, which says nothing about the samples.
std::string content_hash(const ShardIndex& index, uint64_t shard_size) {
  const std::vector<std::byte> bytes = write_index(index, shard_size, "");
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw PluginError(TRAINHOST_PERMISSION_DENIED, format("{}: cannot be read; correct its permissions", path));
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<ListedFile> list_dali_indexes(const ShardOptions& options, size_t num_shards) {
  if (options.dali_indexes.empty()) return {};
  std::vector<ListedFile> indexes = list_files(options.dali_indexes, "tarshards.dali_index");
  if (indexes.size() != num_shards)
    throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("tarshards.dali_index names {} files for {} shards; name one for each", indexes.size(), num_shards));
  return indexes;
}

// The extension that a field takes from this sample; nothing when it has none of them.
const IndexedMember* member_for(const MemberField& field, const ShardIndex& index, const IndexedSample& sample) {
  for (const std::string& wanted : field.extensions)
    for (const IndexedMember& member : sample.members)
      if (index.extensions[member.extension] == wanted) return &member;
  return nullptr;
}

}  // namespace

ShardSet::ShardSet(const ShardOptions& options, std::span<const MemberField> fields, const Split& split, remote::DataFiles& data)
    : num_fields_(fields.size()), frames_(kCachedBytes) {
  const std::vector<ListedFile> files = list_shards(data, options);
  const std::vector<ListedFile> dali_indexes = list_dali_indexes(options, files.size());
  const IndexStore store(options.index_folder, options.cache_folder);
  std::vector<Taken> taken(files.size());
  shards_.resize(files.size());
  in_parallel(files.size(), [&](size_t i) {
    Shard& shard = shards_[i];
    shard.name = files[i].name;
    shard.file = open(data, files[i].path, files.size() <= kMostOpen);
    const ShardIndex index = index_of(store, files[i].path, dali_indexes.empty() ? "" : dali_indexes[i].path, *shard.file, taken[i].warnings);
    shard.content = content_hash(index, shard.file->size());
    check_faults(index, options, *shard.file, taken[i].warnings);
    take(index, options, fields, split, *shard.file, taken[i]);
  });
  for (size_t i = 0; i < files.size(); ++i) append(i, std::move(taken[i]));
  check_not_empty(options);
  begin_read_ahead();
}

std::unique_ptr<RangedFile> ShardSet::open(remote::DataFiles& data, const std::filesystem::path& path, bool is_kept_open) {
  std::unique_ptr<RangedFile> file = is_object(path) ? data.open_object(path) : open_local_file(path, is_kept_open);
  refuse_gzip(*file);
  return is_zstd(*file) ? open_zstd_file(std::move(file), frames_) : std::move(file);
}

ShardIndex ShardSet::index_of(const IndexStore& store, const std::filesystem::path& path, const std::filesystem::path& dali_index, const RangedFile& file,
                              std::vector<std::string>& warnings) {
  if (auto known = store.load(path, file)) return std::move(*known);
  ShardIndex index = dali_index.empty() ? scan_shard(file) : import_dali_index(text_of(dali_index), dali_index.string(), file);
  const std::string failure = store.save(path, file, index);
  if (!failure.empty()) warnings.push_back(format("the index cannot be kept, each run makes it anew: {}; set tarshards.index_folder", failure));
  return index;
}

void ShardSet::check_faults(const ShardIndex& index, const ShardOptions& options, const RangedFile& file, std::vector<std::string>& warnings) {
  if (!index.has_end_mark) warnings.push_back(format("{}: the archive has no mark of its end; it may have been cut between two members", file.name()));
  if (index.num_faults == 0) return;
  const std::string first = format("{}: byte {}: {}", file.name(), index.faults.front().offset, index.faults.front().words);
  if (!options.skips_faults) throw PluginError(TRAINHOST_DATA_LOSS, first + "; mend the shard, or leave out what is damaged with tarshards.on_error = \"skip\"");
  warnings.push_back(format("{} faults are skipped, the first is {}", index.num_faults, first));
}

void ShardSet::take(const ShardIndex& index, const ShardOptions& options, std::span<const MemberField> fields, const Split& split, const RangedFile& file, Taken& out) {
  std::vector<Place> places;
  for (const IndexedSample& sample : index.samples) {
    ++out.counts.samples;
    places.clear();
    for (const MemberField& field : fields) {
      const IndexedMember* const member = member_for(field, index, sample);
      if (member) {
        places.push_back({member->offset, member->size});
        continue;
      }
      if (!options.skips_faults)
        throw PluginError(TRAINHOST_DATA_LOSS, format("{}: byte {}: sample \"{}\" has no member .{} for the field {}; correct tarshards.fields, or leave such samples out with "
                                                      "tarshards.on_error = \"skip\"",
                                                      file.name(), sample.members[0].offset, sample.key, joined(field.extensions, " or ."), field.field.name));
      ++out.counts.incomplete;
      break;
    }
    if (places.size() < fields.size() || !split.takes(stable_hash(sample.key))) continue;
    for (const Place& place : places) out.counts.bytes += place.size;
    out.places.insert(out.places.end(), places.begin(), places.end());
  }
}

void ShardSet::append(size_t shard_number, Taken taken) {
  counts_.samples += taken.counts.samples;
  counts_.incomplete += taken.counts.incomplete;
  counts_.bytes += taken.counts.bytes;
  warnings_.insert(warnings_.end(), taken.warnings.begin(), taken.warnings.end());
  if (taken.places.empty()) return;
  block_starts_.push_back(num_samples());
  block_shards_.push_back(shard_number);
  places_.insert(places_.end(), taken.places.begin(), taken.places.end());
}

void ShardSet::check_not_empty(const ShardOptions& options) {
  if (counts_.incomplete > 0) warnings_.push_back(format("{} samples are skipped: they lack a member that a field wants", counts_.incomplete));
  if (num_samples() > 0) return;
  throw PluginError(TRAINHOST_FAILED_PRECONDITION,
                    format("tarshards.files {}: no samples: {} shards, {} samples in them, {} without a member that a field wants, none of the others in this split; {}",
                           joined(options.files, ", "), shards_.size(), counts_.samples, counts_.incomplete,
                           counts_.samples == 0 ? "the shards are empty" : "correct tarshards.fields, split or heldout_fraction"));
}

size_t ShardSet::number_of(uint64_t id) const {
  const auto behind = std::upper_bound(block_starts_.begin(), block_starts_.end(), id);
  return block_shards_[static_cast<size_t>(behind - block_starts_.begin()) - 1];
}

void ShardSet::read(uint64_t id, const Place& place, std::span<std::byte> out) {
  Shard& shard = shards_[number_of(id)];
  shard.ahead.expect(*shard.file, place.offset, place.size);
  shard.file->read(place.offset, out);
}

void ShardSet::begin_read_ahead() {
  uint64_t bytes = 0;
  for (const Shard& shard : shards_) bytes += shard.file->size();
  if (!fits_into_memory(bytes)) return;
  for (Shard& shard : shards_) shard.ahead.begin(*shard.file);
}

void ShardSet::add_to(Fingerprint& fingerprint) const {
  for (const Shard& shard : shards_) {
    fingerprint.add(format("{} {} {}", shard.name, shard.file->size(), shard.content));
    fingerprint.add_to_stamp(shard.file->version());
  }
}

std::string ShardSet::summary() const {
  return format("{} of {} samples in {} shards, {:.1f} MB", num_samples(), counts_.samples, shards_.size(), static_cast<double>(counts_.bytes) / 1e6);
}

}  // namespace trainhost::tarshards
