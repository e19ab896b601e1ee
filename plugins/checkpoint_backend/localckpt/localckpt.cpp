// Checkpoints in a folder of this machine, or of a file system that is mounted here.
#include <algorithm>
#include <mutex>
#include <set>

#include <isa-l/crc.h>
#include <trainhost/plugin.hpp>

#include "file_store.h"

using namespace trainhost;

namespace {

constexpr std::uint64_t kPartAlignment = 4096;
constexpr std::string_view kScheme = "file:";

struct Config {
  std::string uri;
};

constexpr auto kSchema = schema<Config>().key("uri", &Config::uri, "where the checkpoints lie: file:PATH, relative or absolute", no_trajectory);

/// "file:runs/a", "file:/runs/a" and "file:///runs/a"; empty for an empty URI.
std::filesystem::path path_of_uri(std::string_view uri) {
  if (uri.empty()) return {};
  std::string_view path = uri;
  if (path.starts_with(kScheme)) path.remove_prefix(kScheme.size());
  else path = {};
  if (path.starts_with("//")) path = path.starts_with("///") ? path.substr(2) : std::string_view();
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("uri: wanted file:PATH or file:///PATH, got \"{}\"", uri));
  return std::filesystem::path(path).lexically_normal();
}

/// A part is far shorter than the int that ISA-L counts with.
std::uint32_t crc32c(std::span<const std::byte> bytes) {
  return ~crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data())), static_cast<int>(bytes.size()), 0xffffffffu);
}

class LocalPut : public CheckpointBackend::Put {
 public:
  LocalPut(localckpt::FileStore& store, std::string_view key, std::uint64_t size, std::uint64_t part_bytes) : store_(store), key_(key), size_(size), part_bytes_(part_bytes), missing_(size) {
    std::tie(file_, temporary_) = store_.begin(key, size);
    direct_ = localckpt::open_direct(temporary_);
  }

  void part(std::uint64_t offset, std::span<const std::byte> bytes, std::uint32_t crc) override {
    if (offset % part_bytes_ != 0 || offset > size_ || bytes.size() != std::min(part_bytes_, size_ - offset))
      throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: part of {} bytes at offset {} does not fit an object of {} bytes in parts of {}", key_, bytes.size(), offset, size_, part_bytes_));
    if (const std::uint32_t got = crc32c(bytes); got != crc)
      throw PluginError(TRAINHOST_DATA_LOSS, format("{}: the part at offset {} has checksum {:08x}, wanted {:08x}: memory was changed on the way", key_, offset, got, crc));
    localckpt::write_past_cache(file_, direct_, temporary_, offset, bytes);
    const std::lock_guard lock(mutex_);
    if (written_.insert(offset).second) missing_ -= bytes.size();
  }

  void commit() override {
    if (missing_ != 0) {
      abort();
      throw PluginError(TRAINHOST_FAILED_PRECONDITION, format("{}: {} of {} bytes were never written", key_, missing_, size_));
    }
    if (!store_.finish(std::move(file_), temporary_, key_)) throw PluginError(TRAINHOST_ALREADY_EXISTS, format("{}: the key was used while this object was written", key_));
  }

  void abort() override { store_.abandon(temporary_); }

 private:
  localckpt::FileStore& store_;
  std::string key_;
  std::uint64_t size_, part_bytes_, missing_;
  localckpt::Handle file_, direct_;
  std::filesystem::path temporary_;
  std::mutex mutex_;
  std::set<std::uint64_t> written_;
};

class LocalCheckpoints : public CheckpointBackend {
 public:
  explicit LocalCheckpoints(Config config) : root_(path_of_uri(config.uri)), store_(root_) {}

  void start() override {
    if (root_.empty()) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "uri is not set; give checkpoint.uri = \"file:PATH\"");
    store_.open();
  }

  std::unique_ptr<Put> put_begin(std::string_view key, std::uint64_t size, std::uint64_t& part_bytes) override {
    const std::uint64_t wish = std::min(std::max(part_bytes, kPartAlignment), std::uint64_t{1} << 40);
    part_bytes = (wish + kPartAlignment - 1) / kPartAlignment * kPartAlignment;
    return std::make_unique<LocalPut>(store_, key, size, part_bytes);
  }
  void create(std::string_view key, std::span<const std::byte> bytes) override {
    if (!store_.create(key, bytes)) throw PluginError(TRAINHOST_ALREADY_EXISTS, format("{}: holds other bytes", (root_ / key).string()));
  }
  std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> out) override { return store_.get(key, offset, out); }
  void list(std::string_view prefix, const Visit& visit) override {
    for (const localckpt::FoundFile& file : store_.list(prefix))
      if (!visit({file.key, file.size, file.modified_unix_ms})) return;
  }
  void remove(std::string_view key) override { store_.remove(key); }

 private:
  std::filesystem::path root_;
  localckpt::FileStore store_;
};

}  // namespace

TRAINHOST_PLUGIN(LocalCheckpoints, {.kind = "checkpoint_backend",
                                    .name = "localckpt",
                                    .version = "1.0.0",
                                    .summary = "Checkpoints in a local folder, durable and never half visible",
                                    .schemes = {"file"},
                                    .schema = kSchema})
