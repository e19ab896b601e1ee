// The files of a data set, on this machine or in buckets: what a source lists and opens them with.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/cpp/host.hpp>

#include "files/file_list.h"
#include "files/input_file.h"
#include "files/ranged_file.h"
#include "remote/options.h"

namespace trainhost::remote {

/// Names, order and contents are the same wherever the data lies, so that a run goes on when it has moved into a bucket or out of it. Without an s3:// URI it does what
/// files/file_list.h and files/input_file.h do, and nothing else.
class DataFiles {
 public:
  /// What is read of an object for the first time: kNext brings the blocks behind it along, for a source that reads all of it, nearly in sequence; kNothing for one that
  /// reads parts.
  enum class Ahead { kNothing, kNext };

  /// `plugin`: the name of its table, for messages. Throws PluginError INVALID_ARGUMENT for a cache_limit that is none. Opens nothing.
  DataFiles(RemoteOptions options, std::string plugin);
  ~DataFiles();

  /// From here on `host` is borrowed until stop(). [main]
  void start(const Host& host);
  /// Ends the threads of the object cache. What open_object() gave must not be read any more. [main]
  void stop();

  /// As list_files(); patterns may begin with s3://. Throws what that one throws, and what the store says. [main]
  std::vector<ListedFile> list(std::span<const std::string> patterns, std::string_view key);

  /// A path that list() has named. Throws what InputFile throws. [any]
  std::unique_ptr<InputFile> input(const std::filesystem::path& path, InputFile::Keep keep, Ahead ahead = Ahead::kNext);
  /// An object that list() has named. Its reads throw DATA_LOSS when it is another one than then, UNAVAILABLE when the store does not answer. It lives as long as this. [any]
  std::unique_ptr<RangedFile> open_object(const std::filesystem::path& uri, Ahead ahead = Ahead::kNext);

 private:
  struct Store;

  Store& store();

  RemoteOptions options_;
  std::string plugin_;
  uint64_t cache_limit_bytes_;
  const Host* host_ = nullptr;
  std::unique_ptr<Store> store_;
};

}  // namespace trainhost::remote
