// The text of a folder tree as numbered windows of bytes.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "files/fingerprint.h"
#include "files/input_file.h"
#include "files/split.h"

namespace trainhost {

struct CorpusOptions {
  std::string root;
  std::vector<std::string> glob, exclude;
  std::string split = "all";  // train | heldout | all
  double heldout_fraction = 0.1;
  uint64_t context_length = 256, stride = 256;
};

/// Files in the byte order of their relative paths; the text of a folder is its files one behind the other, each followed by a zero byte. Sample k of a
/// folder is the window of context_length + 1 bytes that begins at byte k * stride; what is left at the folder's end is not used.
///
/// Left out: what begins with a dot, symbolic links below the root (the root may be one), empty files, files that are no regular files.
/// Held out are whole folders, by the hash of their relative path ("." for the root); see Split. So the same folders are
/// held out on every machine, and a new folder changes nothing for the others.
///
/// The fingerprint covers the options that change samples, and of every file its relative path, size and content; files above 4 MiB count with
/// their first and last 2 MiB. The place of the root does not count.
class Corpus {
 public:
  /// Reads every file once. Throws PluginError: NOT_FOUND for a root that is no folder, FAILED_PRECONDITION when nothing is left, with the counts.
  explicit Corpus(CorpusOptions options);

  uint64_t num_samples() const { return num_samples_; }
  const std::vector<uint64_t>& folder_starts() const { return folder_starts_; }  // first sample of each folder
  Fingerprint fingerprint() const;
  std::string summary() const;

  /// Fills `out`, context_length + 1 bytes. Throws PluginError(DATA_LOSS) for a file that is gone, cut short or changed since the constructor. [any]
  void read(uint64_t id, std::span<uint8_t> out) const;

 private:
  struct File {
    std::string path;               // relative to the root
    uint64_t size = 0, offset = 0;  // offset: in the text of its folder
  };
  struct Folder {
    std::string path;
    size_t first_file = 0, num_files = 0;
    uint64_t bytes = 0;
  };
  struct Counts {
    uint64_t seen = 0, links = 0, wanted = 0, folders = 0, in_split = 0, bytes = 0;
  };

  void find_files();
  void number_samples();
  void open_files();
  [[noreturn]] void throw_empty() const;

  CorpusOptions options_;
  Split split_;
  std::filesystem::path root_;  // links resolved
  Counts counts_;
  std::vector<File> files_;
  std::deque<InputFile> inputs_;  // of files_
  std::vector<Folder> folders_;  // those with samples
  std::vector<uint64_t> folder_starts_;
  uint64_t num_samples_ = 0;
};

}  // namespace trainhost
