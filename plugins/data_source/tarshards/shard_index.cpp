// One pass over the members, in the order of the archive.
#include "shard_index.h"

#include <algorithm>
#include <cctype>

#include <trainhost/format.hpp>

#include "files/split.h"
#include "tar_walk.h"

namespace trainhost::tarshards {
namespace {

// What writers put in about the archive itself: a folder "__meta__" or the like.
bool is_metadata(std::string_view name) {
  if (!name.starts_with("__")) return false;
  const std::string_view first = name.substr(0, name.find('/'));
  return first.size() >= 4 && first.ends_with("__");
}

}  // namespace

void ShardIndex::add_fault(uint64_t offset, std::string words) {
  ++num_faults;
  if (faults.size() < kMostFaults) faults.push_back({offset, std::move(words)});
}

std::optional<std::pair<std::string, std::string>> key_and_extension(std::string_view name) {
  const size_t base = name.rfind('/') + 1;  // npos + 1 == 0
  const size_t dot = name.find('.', base);
  if (dot == std::string_view::npos || dot == base) return std::nullopt;
  std::string extension(name.substr(dot + 1));
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::pair(std::string(name.substr(0, dot)), std::move(extension));
}

void SampleGrouping::add(const std::string& name, uint64_t offset, uint64_t size) {
  auto parts = is_metadata(name) ? std::nullopt : key_and_extension(name);
  if (!parts) return;
  auto& [key, extension] = *parts;
  if (!is_open_ || key != sample_.key) open(std::move(key), offset, name);
  const uint32_t number = number_of(extension);
  if (std::exchange(last_opened_[number], opened_) == opened_) {
    index_.add_fault(offset, format("member \"{}\": its sample has a member .{} already; each extension may come once", name, extension));
    is_sound_ = false;
    return;
  }
  sample_.members.push_back({number, offset, size});
}

void SampleGrouping::open(std::string key, uint64_t offset, const std::string& name) {
  close(true);
  is_open_ = true;
  ++opened_;
  is_sound_ = is_new(key);
  if (!is_sound_) index_.add_fault(offset, format("member \"{}\": the key \"{}\" has come before; the members of a sample must follow each other", name, key));
  sample_.key = std::move(key);
}

void SampleGrouping::close(bool is_whole) {
  if (is_open_ && is_whole && is_sound_) index_.samples.push_back(std::move(sample_));
  sample_ = {};
  is_open_ = false;
}

uint32_t SampleGrouping::number_of(const std::string& extension) {
  const auto [entry, is_first] = numbers_.try_emplace(extension, static_cast<uint32_t>(numbers_.size()));
  if (is_first) {
    index_.extensions.push_back(extension);
    last_opened_.push_back(0);
  }
  return entry->second;
}

bool SampleGrouping::is_new(const std::string& key) { return seen_.insert(stable_hash(key)).second; }

ShardIndex scan_shard(const RangedFile& file) {
  ShardIndex index;
  SampleGrouping grouping(index);
  TarWalk walk(file);
  try {
    while (const auto member = walk.next())
      if (member->is_file) grouping.add(member->name, member->offset, member->size);
    grouping.finish();
    index.has_end_mark = walk.has_end_mark();
  } catch (const TarDamage& damage) {
    grouping.finish_damaged();
    index.add_fault(damage.offset, damage.what());
  }
  return index;
}

}  // namespace trainhost::tarshards
