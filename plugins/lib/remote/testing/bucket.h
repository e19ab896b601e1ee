// For tests: the scripted store with files of a folder in its bucket, and keys for it in the environment.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <trainhost/testing/host.hpp>

#include "files/testing/folder.h"
#include "remote/data_files.h"
#include "s3/testing/servers.h"

namespace trainhost::remote::testing {

using s3::testing::Server;
using s3::testing::Variable;

struct BucketOfFiles {
  Variable id{"AWS_ACCESS_KEY_ID", "TESTKEY"}, secret{"AWS_SECRET_ACCESS_KEY", "test/secret+key"}, token{"AWS_SESSION_TOKEN", ""}, profile{"AWS_PROFILE", ""}, region{"AWS_REGION", ""},
      endpoint{"AWS_ENDPOINT_URL", ""};
  Server server{"fault_server.py"};
  std::string url = server.first_line();
  trainhost::testing::TemporaryFolder folder;  // the files: data/..., the caches: anywhere else

  // Writes data/NAME, and puts it as NAME.
  void put(const std::string& name, const std::string& bytes) {
    const std::string path = folder.write("data/" + name, bytes);
    server.ask("load {} {}", name, path);
  }
  uint64_t served() { return std::stoull(server.ask("served")); }
  RemoteOptions options(const std::string& cache = "cache") const {
    RemoteOptions out;
    out.s3_endpoint = url;
    out.cache_dir = (folder.path / cache).string();
    return out;
  }
};

// A source's side of it, in a host that a test can look at.
struct Opened {
  explicit Opened(RemoteOptions options) : files(std::move(options), "tarshards") { files.start(host); }
  ~Opened() { files.stop(); }

  std::vector<std::string> names(const std::vector<std::string>& patterns) {
    std::vector<std::string> out;
    for (const ListedFile& file : files.list(patterns, "tarshards.files")) out.push_back(file.name);
    return out;
  }
  // Of the one object that the pattern names.
  std::string content(const std::string& uri, uint64_t offset = 0, uint64_t size = UINT64_MAX) {
    const auto file = files.input(files.list(std::vector<std::string>{uri}, "tarshards.files").at(0).path, InputFile::Keep::kClosed);
    std::string bytes(std::min(size, file->size() - offset), '\0');
    file->read(offset, std::as_writable_bytes(std::span(bytes)));
    return bytes;
  }

  trainhost::testing::FakeHost fake;
  Host host{fake.c()};
  DataFiles files;
};

// Bytes that do not repeat.
inline std::string noise(size_t size, uint64_t seed = 1) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    if (i % 8 == 0) seed = seed * 6364136223846793005u + 1442695040888963407u;
    bytes[i] = static_cast<char>(seed >> (8 * (i % 8)) ^ seed >> 61);
  }
  return bytes;
}

}  // namespace trainhost::remote::testing
