// Checkpoints as files of a folder.
//
// A backend moves bytes and promises two things: what was committed is whole and durable, and nothing is ever overwritten. The format of a checkpoint is
// the host's. Large objects come in parts under a key that was never used before; create makes small ones in one go and alone decides races. Keys are
// parts of [A-Za-z0-9._-] between slashes. Every function may be called from several threads at once, and may wait.
//
// A decorator, such as a mirror, is a backend that says .decorates = 1 below and calls the one that it wraps:
//   const auto inner = host().upstream<trainhost_checkpoint_backend>(0, TRAINHOST_CHECKPOINT_BACKEND);
#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <filesystem>

#include <trainhost/plugin.hpp>

namespace {

namespace fs = std::filesystem;
using trainhost::PluginError;
using Bytes = std::span<const std::byte>;

struct Config {
  std::string uri;  // a key of every backend: the place that checkpoint.uri names
};

// The status decides what the host does, so it must be the right one; UNAVAILABLE would be tried again.
[[noreturn]] void fail(const fs::path& path, const char* what, int error) {
  trainhost_status status = TRAINHOST_FAILED_PRECONDITION;
  if (error == ENOENT) status = TRAINHOST_NOT_FOUND;
  if (error == EEXIST) status = TRAINHOST_ALREADY_EXISTS;
  if (error == EACCES || error == EPERM || error == EROFS) status = TRAINHOST_PERMISSION_DENIED;
  if (error == ENOSPC || error == EDQUOT) status = TRAINHOST_RESOURCE_EXHAUSTED;
  throw PluginError(status, trainhost::format("{}: {}: {}", path, what, std::strerror(error)));
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(folder, "cannot be made", error.value());
}

// The checksum that comes with each part (Castagnoli), bit by bit; a library such as ISA-L is ten times faster.
std::uint32_t crc32c(Bytes bytes) {
  std::uint32_t crc = ~0u;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1u)));
  }
  return ~crc;
}

bool write_all(int file, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

// A name survives a power cut once its folder is synced.
void sync_folder(const fs::path& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool is_synced = file >= 0 && ::fsync(file) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (!is_synced) fail(folder, "cannot be made durable", error);
}

class MyPlugin final : public trainhost::CheckpointBackend {
 public:
  explicit MyPlugin(const Config& config) : root_(config.uri.substr(config.uri.find(':') + 1)) {}

  void start() override {
    if (root_.empty()) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "uri is not set; give checkpoint.uri = \"file:PATH\"");
    make_folder(root_);
  }

  // An upload waits in memory until it is committed: nobody sees any of it before. A backend for large checkpoints would write each part to its place.
  class Upload final : public Put {
   public:
    Upload(MyPlugin& backend, std::string_view key, std::uint64_t size, std::uint64_t part_bytes)
        : backend_(backend), key_(key), part_bytes_(part_bytes), bytes_(size), has_part_((size + part_bytes - 1) / part_bytes) {}
    void part(std::uint64_t offset, Bytes bytes, std::uint32_t crc) override {
      if (offset % part_bytes_ != 0 || offset > bytes_.size() || bytes.size() != std::min(part_bytes_, bytes_.size() - offset))
        throw PluginError(TRAINHOST_INVALID_ARGUMENT, trainhost::format("{}: {} bytes at {} are no part of it", key_, bytes.size(), offset));
      if (crc32c(bytes) != crc) throw PluginError(TRAINHOST_DATA_LOSS, trainhost::format("{}: the part at {} was changed on the way", key_, offset));
      std::copy(bytes.begin(), bytes.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
      if (!bytes.empty()) has_part_[offset / part_bytes_] = true;
    }
    void commit() override {
      if (std::count(has_part_.begin(), has_part_.end(), false) > 0)
        throw PluginError(TRAINHOST_FAILED_PRECONDITION, trainhost::format("{}: a part was never written", key_));
      backend_.store(key_, bytes_);
    }
    void abort() override {}

   private:
    MyPlugin& backend_;
    std::string key_;
    std::uint64_t part_bytes_;
    std::vector<std::byte> bytes_;
    std::vector<char> has_part_;  // not of bool: several threads write to it at once
  };

  std::unique_ptr<Put> put_begin(std::string_view key, std::uint64_t size, std::uint64_t& part_bytes) override {
    if (fs::exists(path_of(key))) fail(path_of(key), "cannot be written", EEXIST);
    part_bytes = std::max<std::uint64_t>(part_bytes / 4096, 1) * 4096;  // the host's wish, as a multiple of 4096
    return std::make_unique<Upload>(*this, key, size, part_bytes);
  }

  // Equal bytes are no race: it may be a retry of ours.
  void create(std::string_view key, Bytes bytes) override {
    try {
      store(key, bytes);
    } catch (const PluginError& error) {
      std::vector<std::byte> stored(bytes.size() + 1);
      if (error.status != TRAINHOST_ALREADY_EXISTS || get(key, 0, stored) != bytes.size() || !std::equal(bytes.begin(), bytes.end(), stored.begin())) throw;
    }
  }

  std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> out) override {
    const fs::path path = path_of(key);
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) fail(path, "cannot be read", errno);
    std::size_t got = 0;
    ssize_t read = 1;
    while (read > 0 && got < out.size()) {
      read = ::pread(file, out.data() + got, out.size() - got, static_cast<off_t>(offset + got));
      if (read > 0) got += static_cast<std::size_t>(read);
    }
    const int error = errno;
    ::close(file);
    if (read < 0) fail(path, "cannot be read", error);
    return got;
  }

  void list(std::string_view prefix, const Visit& visit) override {
    std::vector<std::string> keys;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root_))
      if (entry.is_regular_file()) keys.push_back(entry.path().lexically_relative(root_));
    std::sort(keys.begin(), keys.end());
    for (const std::string& key : keys) {
      std::error_code is_gone;  // removed meanwhile: not visited
      const std::uint64_t size = fs::file_size(root_ / key, is_gone);
      if (!is_gone && key.starts_with(prefix) && key.front() != '~' && !visit({key, size, 0})) return;
    }
  }

  void remove(std::string_view key) override {
    const fs::path path = path_of(key);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail(path, "cannot be removed", errno);
  }

 private:
  // A key must not lead out of the root.
  fs::path path_of(std::string_view key) const {
    bool is_sound = !key.empty() && key.size() <= 512 && key.find("//") == std::string_view::npos;
    for (const char c : key) is_sound = is_sound && (std::isalnum(static_cast<unsigned char>(c)) || std::string_view("._-/").find(c) != std::string_view::npos);
    for (const fs::path& part : fs::path(key)) is_sound = is_sound && !part.empty() && part != "/" && part != "." && part != "..";
    if (!is_sound) throw PluginError(TRAINHOST_INVALID_ARGUMENT, trainhost::format("key \"{}\": wanted parts of [A-Za-z0-9._-] between slashes", key));
    return root_ / key;
  }

  // A file that no key can mean ('~') becomes durable and then gets its name: link is atomic and never overwrites.
  void store(std::string_view key, Bytes bytes) {
    const fs::path path = path_of(key);
    make_folder(path.parent_path());
    std::string hidden = root_ / "~XXXXXX";
    const int file = ::mkostemp(hidden.data(), O_CLOEXEC);
    const bool is_stored = file >= 0 && write_all(file, bytes) && ::fsync(file) == 0 && ::link(hidden.c_str(), path.c_str()) == 0;
    const int error = errno;
    if (file >= 0) ::close(file), ::unlink(hidden.c_str());
    if (!is_stored) fail(path, "cannot be written", error);
    for (fs::path folder = path.parent_path(); folder != root_; folder = folder.parent_path()) sync_folder(folder);
    sync_folder(root_);
  }

  fs::path root_;
};

}  // namespace

TRAINHOST_PLUGIN(MyPlugin, {
  .kind = "checkpoint_backend",
  .name = "my_plugin",
  .version = "1.0.0",
  .summary = "checkpoints as files of a folder",
  .schemes = {"file"},
  .schema = trainhost::schema<Config>().key("uri", &Config::uri, "where the checkpoints lie: file:PATH", trainhost::no_trajectory),
})
