// The record of changes, and power cuts made of it.
#include "disk_history.h"

#include <fcntl.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>

namespace crash {

namespace fs = std::filesystem;

DiskHistory::DiskHistory(fs::path folder) : folder_(std::move(folder)) {
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    const std::string path = inner(entry.path());
    if (entry.is_directory()) {
      first_.names[path] = kFolder;
      continue;
    }
    std::ifstream file(entry.path(), std::ios::binary);
    first_.names[path] = static_cast<int>(first_.files.size());
    first_.files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  now_ = first_;
}

Watch DiskHistory::watch() {
  Watch watch{folder_};
  watch.before = [this](const FileCall& call) { return before(call), kGoOn; };
  watch.after = [this](const FileCall& call) { return after(call), kGoOn; };
  watch.said = [this](std::string_view words) { events_.push_back({.kind = Kind::kSay, .bytes = std::string(words)}); };
  return watch;
}

std::string DiskHistory::words(size_t at) const {
  std::string all;
  for (size_t i = 0; i < at; ++i)
    if (events_[i].kind == Kind::kSay) all += events_[i].bytes;
  return all;
}

std::string DiskHistory::inner(const std::string& path) const { return path == folder_ ? std::string() : path.substr(folder_.native().size() + 1); }

void DiskHistory::before(const FileCall& call) {
  if (call.name == "pwrite64" || call.name == "write") writing_[call.thread] = read_memory(call.thread, call.arguments[1], call.arguments[2]);
  if (call.name == "fsync" || call.name == "fdatasync") syncing_[call.thread] = events_.size();
}

void DiskHistory::after(const FileCall& call) {
  if (call.result < 0) return;
  if (call.name == "openat" || call.name == "open") return opened(call);
  if (call.name == "close") descriptors_.erase(static_cast<int>(call.arguments[0]));
  if (call.is_change) changed(call);
}

void DiskHistory::opened(const FileCall& call) {
  const std::string path = inner(call.path);
  if (call.arguments[call.name == "open" ? 1 : 2] & O_TRUNC) throw std::logic_error(call.path + ": files that are cut off by open are not modelled");
  if (!now_.names.contains(path)) {
    if (!call.is_change) return;  // the folder itself
    now_.files.emplace_back();
    add(path, static_cast<int>(now_.files.size()) - 1);
  }
  descriptors_[static_cast<int>(call.result)] = now_.names.at(path);
}

void DiskHistory::add(const std::string& path, int file) {
  events_.push_back({.kind = Kind::kAdd, .file = file, .path = path});
  now_.names[path] = file;
}

int DiskHistory::file_of(const FileCall& call) const {
  const auto found = descriptors_.find(static_cast<int>(call.arguments[0]));
  return found == descriptors_.end() ? kFolder : found->second;
}

void DiskHistory::changed(const FileCall& call) {
  const std::string& name = call.name;
  if (name == "pwrite64") {
    events_.push_back({.kind = Kind::kWrite, .file = file_of(call), .bytes = writing_.at(call.thread).substr(0, static_cast<size_t>(call.result)), .offset = call.arguments[3]});
  } else if (name == "fallocate" && call.arguments[1] == 0) {
    events_.push_back({.kind = Kind::kResize, .file = file_of(call), .offset = call.arguments[2] + call.arguments[3]});
  } else if (name == "fsync" || name == "fdatasync") {
    const int file = file_of(call);
    events_.push_back({.kind = file == kFolder ? Kind::kSyncFolder : Kind::kSyncFile, .file = file, .path = inner(call.path), .num_covered = syncing_.at(call.thread)});
  } else if (name == "mkdir") {
    add(inner(call.path), kFolder);
  } else if (name == "link") {
    add(inner(call.second_path), now_.names.at(inner(call.path)));
  } else if (name == "unlink" || name == "rmdir") {
    events_.push_back({.kind = Kind::kRemove, .path = inner(call.path)});
    now_.names.erase(inner(call.path));
  } else {
    throw std::logic_error(name + " of " + call.path + " is not modelled");
  }
}

std::vector<bool> DiskHistory::find_safe(size_t at, Honoured honoured) const {
  std::vector<bool> is_safe(at);
  std::map<int, size_t> files;            // how many events a later sync of the file covers
  std::map<std::string, size_t> folders;  // the same of a folder
  for (size_t i = at; i-- > 0;) {
    const Event& event = events_[i];
    if (event.kind == Kind::kSyncFile && honoured.file_syncs) files[event.file] = std::max(files[event.file], event.num_covered);
    if (event.kind == Kind::kSyncFolder && honoured.folder_syncs) folders[event.path] = std::max(folders[event.path], event.num_covered);
    if (event.kind == Kind::kWrite || event.kind == Kind::kResize) is_safe[i] = i < files[event.file];
    if (event.kind == Kind::kAdd || event.kind == Kind::kRemove) is_safe[i] = i < folders[fs::path(event.path).parent_path()];
  }
  return is_safe;
}

std::vector<DiskHistory::Event> DiskHistory::choose(size_t at, Loss loss, uint64_t seed, Honoured honoured) const {
  const std::vector<bool> is_safe = find_safe(at, honoured);
  std::mt19937_64 random(seed);
  const auto num_unsafe = static_cast<size_t>(std::count(is_safe.begin(), is_safe.end(), false));
  size_t num_left = num_unsafe == 0 ? 0 : random() % (num_unsafe + 1);
  std::vector<Event> chosen;
  for (size_t i = 0; i < at; ++i) {
    Event event = events_[i];
    const bool is_write = event.kind == Kind::kWrite, is_name = event.kind == Kind::kAdd || event.kind == Kind::kRemove;
    bool is_there = is_safe[i] || loss == Loss::kNothing;
    if (loss == Loss::kBytes) is_there |= is_name;
    if (loss == Loss::kZeroed) is_there |= !is_write;
    if (loss == Loss::kNames) is_there |= !is_name;
    if (loss == Loss::kScattered) is_there |= random() % 2 == 0;
    if (loss == Loss::kTail && !is_there && num_left > 0) {
      is_there = true;
      if (--num_left == 0 && !event.bytes.empty()) event.bytes.resize(random() % event.bytes.size());
    }
    if (is_there) chosen.push_back(std::move(event));
  }
  return chosen;
}

void DiskHistory::apply(const Event& event, Tree& tree) {
  if (event.kind == Kind::kAdd) tree.names[event.path] = event.file;
  if (event.kind == Kind::kRemove) tree.names.erase(event.path);
  if (event.kind != Kind::kWrite && event.kind != Kind::kResize) return;
  std::string& content = tree.files.at(static_cast<size_t>(event.file));
  const size_t end = event.offset + event.bytes.size();
  if (content.size() < end) content.resize(end);
  content.replace(event.offset, event.bytes.size(), event.bytes);
}

void DiskHistory::build(size_t at, Loss loss, uint64_t seed, const fs::path& target, Honoured honoured) const {
  Tree tree = first_;
  tree.files.resize(now_.files.size());
  for (const Event& event : choose(at, loss, seed, honoured)) apply(event, tree);
  for (const auto& [path, file] : tree.names) {  // folders come before what is in them
    const fs::path place = target / path;
    if (!fs::exists(place.parent_path())) continue;  // what lies in a folder without a name is lost
    if (file == kFolder) fs::create_directory(place);
    else std::ofstream(place, std::ios::binary) << tree.files[static_cast<size_t>(file)];
  }
}

}  // namespace crash
