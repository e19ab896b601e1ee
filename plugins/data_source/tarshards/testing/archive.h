// Tar archives that tests put together block by block, right and wrong ones.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <trainhost/plugin.hpp>

#include "files/ranged_file.h"
#include "files/testing/folder.h"

namespace trainhost::testing {

// write_shards.py of this folder, which has the Python modules of the tests.
inline std::string oracle(const TemporaryFolder& folder, const std::string& arguments) {
  const char* modules = std::getenv("TRAINHOST_TEST_MODULES");
  ::setenv("PYTHONPATH", modules ? modules : "", 1);
  return python(format("testing/write_shards.py '{}' {}", folder.path.string(), arguments));
}

// One header block with the right checksum. `size_field`: what stands there instead of the size in octal.
inline std::string tar_header(const std::string& name, uint64_t size, char type = '0', const std::string& size_field = {}, const std::string& prefix = {}) {
  std::string block(512, '\0');
  block.replace(0, std::min<size_t>(name.size(), 100), name.substr(0, 100));
  block.replace(100, 8, std::string("0000644\0", 8));
  char octal[13];
  std::snprintf(octal, sizeof octal, "%011llo", static_cast<unsigned long long>(size));
  block.replace(124, 12, size_field.empty() ? std::string(octal, 12) : size_field);
  block[156] = type;
  block.replace(257, 8, std::string("ustar\0" "00", 8));
  block.replace(345, prefix.size(), prefix);
  block.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char byte : block) sum += static_cast<unsigned char>(byte);
  std::snprintf(octal, sizeof octal, "%06o", sum);
  block.replace(148, 8, std::string(octal, 6) + std::string("\0 ", 2));
  return block;
}

inline std::string tar_content(const std::string& content) { return content + std::string((512 - content.size() % 512) % 512, '\0'); }
inline std::string tar_member(const std::string& name, const std::string& content, char type = '0') { return tar_header(name, content.size(), type) + tar_content(content); }
inline std::string tar_end() { return std::string(1024, '\0'); }

// A shard in memory.
class MemoryShard final : public RangedFile {
 public:
  explicit MemoryShard(std::string bytes) : bytes_(std::move(bytes)) {}
  const std::string& name() const override { return name_; }
  uint64_t size() const override { return bytes_.size(); }
  std::string version() const override { return "1"; }
  void read(uint64_t offset, std::span<std::byte> out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) throw PluginError(TRAINHOST_INTERNAL, "a read behind the end of the shard");
    std::memcpy(out.data(), bytes_.data() + offset, out.size());
  }

 private:
  std::string bytes_, name_ = "shard.tar";
};

}  // namespace trainhost::testing
