// Scans once, then reads with pread: a file that shrinks is an error, not a signal.
#include "corpus.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trainhost/plugin.hpp>

#include "glob.h"

namespace trainhost {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kHashedEnd = uint64_t{2} << 20;  // bytes at each end of a file that count for the fingerprint

struct Descriptor {
  explicit Descriptor(const fs::path& path) : number(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number;
};

int64_t modified_ns(const struct stat& status) { return int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec; }

// False: the file ended early or cannot be read.
bool read_all(int descriptor, uint64_t offset, std::span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = ::pread(descriptor, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    offset += static_cast<uint64_t>(got);
    out = out.subspan(static_cast<size_t>(got));
  }
  return true;
}

// Nothing when the file cannot be read to its end.
std::optional<std::array<uint64_t, 2>> hash_content(int descriptor, uint64_t size) {
  std::vector<uint8_t> bytes(std::min(size, 2 * kHashedEnd));
  const uint64_t head = size <= 2 * kHashedEnd ? size : kHashedEnd;
  const std::span all(bytes);
  if (!read_all(descriptor, 0, all.first(head)) || !read_all(descriptor, size - (bytes.size() - head), all.subspan(head))) return std::nullopt;
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return std::array<uint64_t, 2>{hash.low64, hash.high64};
}

bool any_matches(const std::vector<Glob>& globs, const std::string& path) {
  return std::any_of(globs.begin(), globs.end(), [&](const Glob& glob) { return glob.matches(path); });
}

std::string quoted(const std::vector<std::string>& patterns) {
  std::string text;
  for (const std::string& pattern : patterns) text += (text.empty() ? "\"" : ", \"") + pattern + "\"";
  return "[" + text + "]";
}

// Independent of the standard library and the machine, unlike std::hash.
uint64_t path_hash(std::string_view path) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a, 64 bits
  for (const char c : path) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;  // the finish of splitmix64: FNV alone is weak in its high bits
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return hash ^ (hash >> 31);
}

}  // namespace

Corpus::Corpus(CorpusOptions options) : options_(std::move(options)) {
  std::error_code error;
  root_ = fs::canonical(options_.root, error);
  if (error || !fs::is_directory(root_, error)) {
    throw PluginError(TRAINHOST_NOT_FOUND,
                      format("root \"{}\" (seen from {}) is no folder that can be read; set textfiles.root to the folder with the text files", options_.root,
                             fs::current_path().string()));
  }
  try {
    find_files();
  } catch (const fs::filesystem_error& unreadable) {
    throw PluginError(TRAINHOST_PERMISSION_DENIED, format("{}: {}; correct the permissions", unreadable.path1().string(), unreadable.code().message()));
  }
  number_samples();
  if (num_samples_ == 0) throw_empty();
  hash_files();
}

void Corpus::find_files() {
  const std::vector<Glob> wanted(options_.glob.begin(), options_.glob.end()), excluded(options_.exclude.begin(), options_.exclude.end());

  std::map<std::string, std::vector<File>> by_folder;  // sorted: folders by path, bytewise
  for (auto entry = fs::recursive_directory_iterator(root_); entry != fs::recursive_directory_iterator(); ++entry) {
    const bool is_hidden = entry->path().filename().native().starts_with('.');
    const bool is_link = entry->is_symlink();
    if (is_hidden && entry->is_directory() && !is_link) entry.disable_recursion_pending();
    counts_.links += is_link && !is_hidden;
    if (is_hidden || is_link || !entry->is_regular_file()) continue;
    ++counts_.seen;
    const std::string path = entry->path().native().substr(root_.native().size() + (root_ == root_.root_path() ? 0 : 1));
    if (!any_matches(wanted, path) || any_matches(excluded, path)) continue;
    ++counts_.wanted;
    const size_t slash = path.rfind('/');
    by_folder[slash == std::string::npos ? "." : path.substr(0, slash)].push_back({path, entry->file_size(), 0, {}});
  }

  counts_.folders = by_folder.size();
  for (auto& [folder, files] : by_folder) {
    if (options_.split != "all" && is_heldout(folder) != (options_.split == "heldout")) continue;
    std::erase_if(files, [](const File& file) { return file.size == 0; });
    std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.path < b.path; });
    folders_.push_back({folder, files_.size(), files.size(), 0});
    for (File& file : files) {
      file.offset = folders_.back().bytes;
      folders_.back().bytes += file.size + 1;
      files_.push_back(std::move(file));
    }
    counts_.in_split += folders_.back().num_files;
    counts_.bytes += folders_.back().bytes;
  }
}

bool Corpus::is_heldout(const std::string& folder) const {
  // 2^-64 steps: the hash as a number in [0, 1).
  return static_cast<double>(path_hash(folder) >> 11) * 0x1p-53 < options_.heldout_fraction;
}

void Corpus::number_samples() {
  std::erase_if(folders_, [&](const Folder& folder) { return folder.bytes <= options_.context_length; });
  for (const Folder& folder : folders_) {
    folder_starts_.push_back(num_samples_);
    num_samples_ += (folder.bytes - options_.context_length - 1) / options_.stride + 1;
  }
}

void Corpus::hash_files() {
  modified_ns_ = std::make_unique<std::atomic<int64_t>[]>(files_.size());
  for (size_t i = 0; i < files_.size(); ++i) {
    const Descriptor descriptor(root_ / files_[i].path);
    struct stat status {};
    const bool is_open = descriptor.number >= 0 && ::fstat(descriptor.number, &status) == 0;
    const auto hash = is_open ? hash_content(descriptor.number, files_[i].size) : std::nullopt;
    if (!hash) {
      throw PluginError(TRAINHOST_PERMISSION_DENIED,
                        format("{}: cannot be read: {}; correct its permissions or exclude it", (root_ / files_[i].path).string(), std::strerror(errno)));
    }
    files_[i].hash = *hash;
    modified_ns_[i] = modified_ns(status);
  }
}

std::array<uint8_t, 32> Corpus::fingerprint() const {
  std::string text = format("textfiles/1 context {} stride {}\n", options_.context_length, options_.stride);
  for (const File& file : files_) text += format("{} {} {:x} {:x}\n", file.path, file.size, file.hash[0], file.hash[1]);
  std::array<uint8_t, 32> out;
  for (const uint64_t seed : {0u, 1u}) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_withSeed(text.data(), text.size(), seed));
    std::memcpy(out.data() + seed * 16, canonical.digest, 16);
  }
  return out;
}

std::string Corpus::summary() const {
  return format("{}: {} of {} files below {} ({:.1f} MB of text in {} of {} folders), {} samples", options_.split, counts_.in_split, counts_.seen,
                root_.string(), static_cast<double>(counts_.bytes) / 1e6, folders_.size(), counts_.folders, num_samples_);
}

void Corpus::read(uint64_t id, std::span<uint8_t> out) const {
  const auto behind = std::upper_bound(folder_starts_.begin(), folder_starts_.end(), id);
  const auto folder_index = static_cast<size_t>(behind - folder_starts_.begin()) - 1;
  const Folder& folder = folders_[folder_index];
  uint64_t offset = (id - folder_starts_[folder_index]) * options_.stride;

  const auto first = files_.begin() + static_cast<std::ptrdiff_t>(folder.first_file), last = first + static_cast<std::ptrdiff_t>(folder.num_files);
  auto file = std::upper_bound(first, last, offset, [](uint64_t wanted, const File& other) { return wanted < other.offset; }) - 1;
  for (; !out.empty(); ++file) {
    const uint64_t begin = offset - file->offset, content = std::min<uint64_t>(out.size(), file->size - begin);
    if (content > 0) read_part(*file, static_cast<size_t>(file - files_.begin()), begin, out.first(content));
    const bool has_end = content < out.size();
    if (has_end) out[content] = 0;
    out = out.subspan(content + has_end);
    offset += content + has_end;
  }
}

void Corpus::read_part(const File& file, size_t file_index, uint64_t offset, std::span<uint8_t> out) const {
  const fs::path path = root_ / file.path;
  const Descriptor descriptor(path);
  if (descriptor.number < 0) {
    const int error = errno;
    const bool is_worth_a_retry = error == EMFILE || error == ENFILE || error == ENOMEM || error == EINTR;
    throw PluginError(is_worth_a_retry ? TRAINHOST_UNAVAILABLE : TRAINHOST_DATA_LOSS,
                      format("{}: cannot be opened: {}; it was there when the run began: restore it", path.string(), std::strerror(error)));
  }
  check_unchanged(file, file_index, descriptor.number);
  if (!read_all(descriptor.number, offset, out)) {
    throw PluginError(TRAINHOST_DATA_LOSS, format("{}: bytes {} to {} cannot be read: {}", path.string(), offset, offset + out.size(), std::strerror(errno)));
  }
}

void Corpus::check_unchanged(const File& file, size_t file_index, int descriptor) const {
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && static_cast<uint64_t>(status.st_size) == file.size) {
    if (modified_ns(status) == modified_ns_[file_index]) return;
    if (hash_content(descriptor, file.size) == file.hash) {  // only touched
      modified_ns_[file_index] = modified_ns(status);
      return;
    }
  }
  throw PluginError(TRAINHOST_DATA_LOSS, format("{}: changed during the run: had {} bytes, has {}; restore it, or begin a new run with the changed text",
                                                (root_ / file.path).string(), file.size, static_cast<int64_t>(status.st_size)));
}

void Corpus::throw_empty() const {
  std::string why = format("root \"{}\" (seen from {}), glob {}, exclude {}, split \"{}\": no samples", options_.root, fs::current_path().string(),
                           quoted(options_.glob), quoted(options_.exclude), options_.split);
  why += format(
      ": {} files seen, {} match and are not excluded, {} of them with text in this split ({} of {} folders), {} bytes of text, {} needed for one sample",
      counts_.seen, counts_.wanted, counts_.in_split, folders_.size(), counts_.folders, counts_.bytes, options_.context_length + 1);
  if (counts_.links > 0) why += format("; {} symbolic links are not followed", counts_.links);
  if (counts_.in_split == 0 && counts_.wanted > 0) {
    why += "; the split goes by whole folders: spread the text over more folders, or give the evaluation set a root of its own and split = \"all\"";
  } else {
    why += "; correct root, glob or exclude";
  }
  throw PluginError(TRAINHOST_FAILED_PRECONDITION, why);
}

}  // namespace trainhost
