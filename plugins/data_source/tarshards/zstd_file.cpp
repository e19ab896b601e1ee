// Sizes are compared with the seek table, content with its checksums.
#include "zstd_file.h"

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include <trainhost/cpp/error.hpp>

#include "seek_table.h"

namespace trainhost::tarshards {
namespace {

class ZstdFile final : public RangedFile {
 public:
  ZstdFile(std::unique_ptr<RangedFile> compressed, FrameCache& cache) : compressed_(std::move(compressed)), cache_(cache), number_(cache.number_of_new_file()), table_(read_seek_table(*compressed_)) {}

  const std::string& name() const override { return compressed_->name(); }
  uint64_t size() const override { return table_.size; }
  std::string version() const override { return format("zstd {} {}", compressed_->size(), compressed_->version()); }

  void read(uint64_t offset, std::span<std::byte> out) const override {
    if (offset > table_.size || out.size() > table_.size - offset)
      throw PluginError(TRAINHOST_DATA_LOSS, format("{}: bytes {} to {} are not there: {} bytes were compressed", name(), offset, offset + out.size(), table_.size));
    auto frame = std::upper_bound(table_.frames.begin(), table_.frames.end(), offset, [](uint64_t at, const SeekTable::Frame& other) { return at < other.begin; });
    while (!out.empty()) {
      const SeekTable::Frame& previous = *std::prev(frame);
      const FrameCache::Content content = content_of(previous);
      const uint64_t skipped = offset - previous.begin, count = std::min<uint64_t>(out.size(), previous.size - skipped);
      std::memcpy(out.data(), content->data() + skipped, count);
      out = out.subspan(count);
      offset += count;
      ++frame;
    }
  }

 private:
  FrameCache::Content content_of(const SeekTable::Frame& frame) const {
    if (FrameCache::Content known = cache_.find(number_, frame.begin)) return known;
    std::vector<std::byte> bytes(frame.bytes), content(frame.size);
    compressed_->read(frame.offset, bytes);
    const size_t got = ZSTD_decompress(content.data(), content.size(), bytes.data(), bytes.size());
    if (ZSTD_isError(got)) throw damaged(frame, ZSTD_getErrorName(got));
    if (got != frame.size) throw damaged(frame, format("it holds {} bytes, the seek table says {}", got, frame.size));
    if (table_.has_checksums && static_cast<uint32_t>(XXH64(content.data(), content.size(), 0)) != frame.checksum) throw damaged(frame, "its checksum is another one");
    FrameCache::Content shared = std::make_shared<const std::vector<std::byte>>(std::move(content));
    cache_.keep(number_, frame.begin, shared);
    return shared;
  }

  PluginError damaged(const SeekTable::Frame& frame, std::string_view words) const {
    return {TRAINHOST_DATA_LOSS, format("{}: the zstd frame at byte {} of the file is damaged: {}", name(), frame.offset, words)};
  }

  std::unique_ptr<RangedFile> compressed_;
  FrameCache& cache_;
  uint64_t number_;  // in the cache
  SeekTable table_;
};

}  // namespace

std::unique_ptr<RangedFile> open_zstd_file(std::unique_ptr<RangedFile> compressed, FrameCache& cache) {
  return std::make_unique<ZstdFile>(std::move(compressed), cache);
}

}  // namespace trainhost::tarshards
