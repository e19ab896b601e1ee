// One open, one fstat and one pread for a piece; the hash is taken again only where the time of change has moved.
#include "files/input_file.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace trainhost {
namespace {

// Closes what it has opened; a descriptor that is kept elsewhere is only borrowed.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int kept) : is_own_(kept < 0), number_(is_own_ ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC) : kept) {}
  ~Descriptor() {
    if (is_own_ && number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  int release() { return is_own_ = false, number_; }

 private:
  bool is_own_;
  int number_;
};

int64_t modified_ns_of(const struct stat& status) { return int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec; }

bool is_worth_a_retry(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM || error == EINTR; }

// Of both ends. `read(offset, out)` says whether all of it was there; nothing when it was not.
template <class Read>
std::optional<std::array<uint64_t, 2>> hash_ends(uint64_t size, uint64_t end_bytes, const Read& read) {
  std::vector<std::byte> bytes(std::min(size, 2 * end_bytes));
  const uint64_t head = size <= 2 * end_bytes ? size : end_bytes, tail = bytes.size() - head;
  const std::span all(bytes);
  if (!read(uint64_t{0}, all.first(head)) || !read(size - tail, all.subspan(head))) return std::nullopt;
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return std::array<uint64_t, 2>{hash.low64, hash.high64};
}

std::optional<std::array<uint64_t, 2>> hash_content(int descriptor, uint64_t size, uint64_t end_bytes) {
  return hash_ends(size, end_bytes, [&](uint64_t offset, std::span<std::byte> out) { return read_fully(descriptor, offset, out) == static_cast<ssize_t>(out.size()); });
}

}  // namespace

ssize_t read_fully(int descriptor, uint64_t offset, std::span<std::byte> out) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(descriptor, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

bool is_object(const std::filesystem::path& path) { return path.native().starts_with("s3://"); }

std::string whole_name(const std::filesystem::path& path) {
  std::error_code error;
  return is_object(path) ? path.string() : std::filesystem::absolute(path, error).lexically_normal().string();
}

PluginError damaged(const InputFile& file, std::string_view words) { return {TRAINHOST_DATA_LOSS, format("{}: {}; write or copy it again", file.path(), words)}; }

InputFile::InputFile(std::filesystem::path path, Keep keep, uint64_t hashed_end) : path_(std::move(path)), hashed_end_(hashed_end) {
  Descriptor descriptor(path_, -1);
  struct stat status {};
  const bool is_open = descriptor.number() >= 0 && ::fstat(descriptor.number(), &status) == 0;
  const auto hash = is_open ? hash_content(descriptor.number(), static_cast<uint64_t>(status.st_size), hashed_end_) : std::nullopt;
  if (!hash) {
    const int error = errno;
    throw PluginError(is_worth_a_retry(error) ? TRAINHOST_UNAVAILABLE : TRAINHOST_PERMISSION_DENIED,
                      format("{}: cannot be read: {}; correct its permissions, or leave it out", path_, std::strerror(error)));
  }
  size_ = static_cast<uint64_t>(status.st_size);
  hash_ = *hash;
  modified_ns_ = modified_ns_of(status);
  if (keep == Keep::kOpen) kept_ = descriptor.release();
}

InputFile::InputFile(std::unique_ptr<RangedFile> object, uint64_t hashed_end) : path_(object->name()), hashed_end_(hashed_end), size_(object->size()), object_(std::move(object)) {
  hash_ = *hash_ends(size_, hashed_end_, [&](uint64_t offset, std::span<std::byte> out) { return object_->read(offset, out), true; });
}

std::string InputFile::version() const { return object_ ? object_->version() : std::to_string(modified_ns_); }

InputFile::~InputFile() {
  if (kept_ >= 0) ::close(kept_);
}

void InputFile::read(uint64_t offset, std::span<std::byte> out) const {
  if (object_) return object_->read(offset, out);
  const Descriptor descriptor(path_, kept_);
  if (descriptor.number() < 0) {
    const int error = errno;
    throw PluginError(is_worth_a_retry(error) ? TRAINHOST_UNAVAILABLE : TRAINHOST_DATA_LOSS,
                      format("{}: cannot be opened: {}; it was there when the run began: restore it", path_, std::strerror(error)));
  }
  check_unchanged(descriptor.number());
  const ssize_t got = read_fully(descriptor.number(), offset, out);
  if (got == static_cast<ssize_t>(out.size())) return;
  const int error = errno;
  throw PluginError(got < 0 && is_worth_a_retry(error) ? TRAINHOST_UNAVAILABLE : TRAINHOST_DATA_LOSS,
                    format("{}: bytes {} to {} cannot be read: {}", path_, offset, offset + out.size(), got < 0 ? std::strerror(error) : "the file ends before"));
}

void InputFile::check_unchanged(int descriptor) const {
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && static_cast<uint64_t>(status.st_size) == size_) {
    if (modified_ns_of(status) == modified_ns_) return;
    if (hash_content(descriptor, size_, hashed_end_) == hash_) {  // only touched
      modified_ns_ = modified_ns_of(status);
      return;
    }
  }
  throw PluginError(TRAINHOST_DATA_LOSS, format("{}: changed during the run: had {} bytes, has {}; restore it, or begin a new run with the changed data", path_, size_,
                                                static_cast<int64_t>(status.st_size)));
}

}  // namespace trainhost
