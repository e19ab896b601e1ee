// Names and sizes are read once; a file is opened when its sample is.
#include "image_tree.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trainhost/plugin.hpp>

#include "files/input_file.h"
#include "files/parallel.h"

namespace trainhost::imagefolder {
namespace {

namespace fs = std::filesystem;

bool is_hidden(const fs::path& path) { return path.filename().native().starts_with('.'); }

bool is_image(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

std::vector<std::string> folders_in(const fs::path& root) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(root))
    if (!is_hidden(entry.path()) && entry.is_directory()) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

struct Descriptor {
  explicit Descriptor(const fs::path& path) : number(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number;
};

}  // namespace

ImageTree::ImageTree(const std::string& root, const Split& split, remote::DataFiles& data) : data_(data), root_(is_object(root) ? root.substr(0, root.find_last_not_of('/') + 1) : root) {
  is_object(root) ? take_objects(split) : take_folders(root, split);
  if (classes_.empty()) throw PluginError(TRAINHOST_FAILED_PRECONDITION, format("root \"{}\": there are no folders in it; wanted a folder for each class", root));
  if (files_.empty()) {
    throw PluginError(TRAINHOST_FAILED_PRECONDITION,
                      format("root \"{}\": no samples in this split: {} images in {} classes, none of them taken; correct split or heldout_fraction", root, num_seen_, classes_.size()));
  }
}

// What keys have between the root and the next slash is a class.
void ImageTree::take_objects(const Split& split) {
  if (root_.native().find_first_of("*?{}[]") != std::string::npos)
    throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("imagefolder.root: wanted s3://BUCKET/PREFIX without wildcards and braces, got \"{}\"", root_));
  std::map<std::string, std::vector<File>> files;
  const std::string pattern = root_.string() + "/**";
  const size_t skipped = root_.native().size() + 1;
  for (const ListedFile& listed : data_.list({&pattern, 1}, "imagefolder.root")) {
    const std::string name = listed.path.native().substr(skipped);
    const size_t slash = name.find('/');
    if (slash == std::string::npos || !is_image(name)) continue;
    const auto object = data_.open_object(listed.path);
    files[name.substr(0, slash)].push_back({name, object->size(), static_cast<int64_t>(stable_hash(object->version()))});
  }
  for (auto& [name, of_class] : files) {
    classes_.push_back(name);
    take_class(classes_.size() - 1, std::move(of_class), split);
  }
}

void ImageTree::take_folders(const std::string& root, const Split& split) {
  std::error_code error;
  if (!fs::is_directory(root_, error)) {
    throw PluginError(TRAINHOST_NOT_FOUND, format("root \"{}\" (seen from {}) is no folder that can be read; set imagefolder.root to the folder with a folder for each class", root,
                                                  fs::current_path().string()));
  }
  try {
    classes_ = folders_in(root_);
    std::vector<std::vector<File>> files(classes_.size());
    in_parallel(classes_.size(), [&](size_t i) { files[i] = files_below(classes_[i]); });  // looking up sizes is most of a start
    for (size_t i = 0; i < classes_.size(); ++i) take_class(i, std::move(files[i]), split);
  } catch (const fs::filesystem_error& unreadable) {
    throw PluginError(TRAINHOST_PERMISSION_DENIED, format("{}: {}; correct the permissions", unreadable.path1().string(), unreadable.code().message()));
  }
}

void ImageTree::take_class(size_t number, std::vector<File> files, const Split& split) {
  if (files.empty()) {
    throw PluginError(TRAINHOST_FAILED_PRECONDITION,
                      format("{}: a class without images (.jpg, .jpeg, .png); remove the folder, or begin its name with a dot", (root_ / classes_[number]).string()));
  }
  num_seen_ += files.size();
  std::erase_if(files, [&](const File& file) { return !split.takes(stable_hash(file.name)); });
  if (files.empty()) return;
  block_starts_.push_back(files_.size());
  block_classes_.push_back(number);
  for (File& file : files) {
    bytes_ += file.size;
    files_.push_back(std::move(file));
  }
}

// In the byte order of their names.
std::vector<ImageTree::File> ImageTree::files_below(const std::string& name) const {
  std::vector<File> files;
  const size_t skipped = (root_ / "").native().size();
  for (auto entry = fs::recursive_directory_iterator(root_ / name); entry != fs::recursive_directory_iterator(); ++entry) {
    if (is_hidden(entry->path())) {
      entry.disable_recursion_pending();
      continue;
    }
    if (is_image(entry->path()) && entry->is_regular_file()) files.push_back({entry->path().native().substr(skipped), entry->file_size(), entry->last_write_time().time_since_epoch().count()});
  }
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.name < b.name; });
  return files;
}

int64_t ImageTree::class_of(uint64_t id) const {
  const auto behind = std::upper_bound(block_starts_.begin(), block_starts_.end(), id);
  return static_cast<int64_t>(block_classes_[static_cast<size_t>(behind - block_starts_.begin()) - 1]);
}

fs::path ImageTree::path(uint64_t id) const { return root_ / files_[id].name; }

void ImageTree::read(uint64_t id, std::vector<std::byte>& out) const {
  if (is_object(root_)) {
    out.resize(files_[id].size);
    return data_.open_object(path(id), remote::DataFiles::Ahead::kNothing)->read(0, out);
  }
  const Descriptor descriptor(path(id));
  if (descriptor.number < 0) {
    const int error = errno;
    const bool is_worth_a_retry = error == EMFILE || error == ENFILE || error == ENOMEM || error == EINTR;
    throw PluginError(is_worth_a_retry ? TRAINHOST_UNAVAILABLE : TRAINHOST_DATA_LOSS,
                      format("{}: cannot be opened: {}; it was there when the run began: restore it", path(id), std::strerror(error)));
  }
  // One byte more than there should be, so that one read tells whether the file has grown or shrunk.
  out.resize(files_[id].size + 1);
  const ssize_t got = read_fully(descriptor.number, 0, out);
  if (got < 0) throw PluginError(TRAINHOST_DATA_LOSS, format("{}: cannot be read: {}", path(id), std::strerror(errno)));
  if (static_cast<uint64_t>(got) != files_[id].size)
    throw PluginError(TRAINHOST_DATA_LOSS, format("{}: changed during the run: had {} bytes; restore it, or begin a new run", path(id), files_[id].size));
  out.pop_back();
}

void ImageTree::add_to(Fingerprint& fingerprint) const {
  for (const std::string& name : classes_) fingerprint.add(name);
  for (const File& file : files_) {
    fingerprint.add(format("{} {}", file.name, file.size));
    fingerprint.add_to_stamp(format("{}", file.modified_ns));
  }
}

std::string ImageTree::summary() const {
  std::string names;
  constexpr size_t kShown = 10;
  for (size_t i = 0; i < std::min(kShown, classes_.size()); ++i) names += (i ? ", " : "") + classes_[i];
  return format("{} of {} images below {}, {:.1f} MB, in {} classes: {}{}", files_.size(), num_seen_, root_, static_cast<double>(bytes_) / 1e6, classes_.size(), names,
                classes_.size() > kShown ? ", ..." : "");
}

}  // namespace trainhost::imagefolder
