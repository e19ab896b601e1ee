// Scans once; what is read later must be what was there then.
#include "corpus.h"

#include <algorithm>
#include <map>

#include <trainhost/plugin.hpp>

#include "files/fingerprint.h"
#include "files/glob.h"

namespace trainhost {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kHashedEnd = uint64_t{2} << 20;  // bytes at each end of a file that count for the fingerprint

bool any_matches(const std::vector<Glob>& globs, const std::string& path) {
  return std::any_of(globs.begin(), globs.end(), [&](const Glob& glob) { return glob.matches(path); });
}

std::string quoted(const std::vector<std::string>& patterns) {
  std::string text;
  for (const std::string& pattern : patterns) text += (text.empty() ? "\"" : ", \"") + pattern + "\"";
  return "[" + text + "]";
}

}  // namespace

Corpus::Corpus(CorpusOptions options) : options_(std::move(options)), split_(options_.split, options_.heldout_fraction) {
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
  open_files();
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
    by_folder[slash == std::string::npos ? "." : path.substr(0, slash)].push_back({path, entry->file_size(), 0});
  }

  counts_.folders = by_folder.size();
  for (auto& [folder, files] : by_folder) {
    if (!split_.takes(stable_hash(folder))) continue;
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

void Corpus::number_samples() {
  std::erase_if(folders_, [&](const Folder& folder) { return folder.bytes <= options_.context_length; });
  for (const Folder& folder : folders_) {
    folder_starts_.push_back(num_samples_);
    num_samples_ += (folder.bytes - options_.context_length - 1) / options_.stride + 1;
  }
}

void Corpus::open_files() {
  for (const File& file : files_) {
    inputs_.emplace_back(root_ / file.path, InputFile::Keep::kClosed, kHashedEnd);
    if (inputs_.back().size() != file.size) throw PluginError(TRAINHOST_DATA_LOSS, format("{}: changed while the run began; start again", inputs_.back().path()));
  }
}

Fingerprint Corpus::fingerprint() const {
  Fingerprint fingerprint(format("textfiles/1 context {} stride {}", options_.context_length, options_.stride));
  for (size_t i = 0; i < files_.size(); ++i) fingerprint.add(files_[i].path, inputs_[i]);
  return fingerprint;
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
    if (content > 0) inputs_[static_cast<size_t>(file - files_.begin())].read(begin, std::as_writable_bytes(out.first(content)));
    const bool has_end = content < out.size();
    if (has_end) out[content] = 0;
    out = out.subspan(content + has_end);
    offset += content + has_end;
  }
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
