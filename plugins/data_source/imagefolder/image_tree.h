// A folder of folders of images, as numbered samples with classes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "files/fingerprint.h"
#include "files/split.h"
#include "remote/data_files.h"

namespace trainhost::imagefolder {

/// Every folder directly below the root is a class, numbered in the byte order of their names; its images are all files below it, at any depth, whose name ends
/// in .jpg, .jpeg or .png in any case, in the byte order of their paths. Names that begin with a dot are left out, links are followed, except to folders.
class ImageTree {
 public:
  /// `root`: a folder, or the start of keys in a bucket, "s3://bucket/images". `data` outlives it. Throws PluginError: NOT_FOUND for a root that is no folder, PERMISSION_DENIED
  /// for what cannot be read, FAILED_PRECONDITION for a tree without classes, a class without images, and a split without samples; what listing objects throws.
  ImageTree(const std::string& root, const Split& split, remote::DataFiles& data);

  const std::vector<std::string>& classes() const { return classes_; }
  uint64_t num_samples() const { return files_.size(); }
  const std::vector<uint64_t>& block_starts() const { return block_starts_; }  // of classes with samples
  int64_t class_of(uint64_t id) const;

  /// The bytes of a sample's file. Throws PluginError: DATA_LOSS with the path for a file that is gone or has another size than at the start, UNAVAILABLE where a
  /// retry helps. [any]
  void read(uint64_t id, std::vector<std::byte>& out) const;
  std::filesystem::path path(uint64_t id) const;

  /// Classes, paths and sizes, for the stamp times of change; contents are too many to be read.
  void add_to(Fingerprint& fingerprint) const;
  std::string summary() const;

 private:
  struct File {
    std::string name;  // below the root
    uint64_t size = 0;
    int64_t modified_ns = 0;  // of an object a hash of its ETag
  };

  void take_folders(const std::string& root, const Split& split);
  void take_objects(const Split& split);
  std::vector<File> files_below(const std::string& name) const;
  void take_class(size_t number, std::vector<File> files, const Split& split);

  remote::DataFiles& data_;
  std::filesystem::path root_;
  std::vector<std::string> classes_;
  std::vector<File> files_;
  std::vector<uint64_t> block_starts_;
  std::vector<size_t> block_classes_;
  uint64_t num_seen_ = 0, bytes_ = 0;
};

}  // namespace trainhost::imagefolder
