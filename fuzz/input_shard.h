// The input of a fuzzer as a shard that watches over reads.
#pragma once
#include <cstring>
#include <span>
#include <string>

#include "fuzz.h"
#include "files/ranged_file.h"

namespace trainhost::fuzz {

class InputShard final : public RangedFile {
 public:
  InputShard(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  const std::string& name() const override { return name_; }
  uint64_t size() const override { return size_; }
  std::string version() const override { return {}; }
  void read(uint64_t offset, std::span<std::byte> out) const override {
    promise(offset <= size_ && out.size() <= size_ - offset, "reads stay inside of the file");
    if (!out.empty()) std::memcpy(out.data(), data_ + offset, out.size());
  }

 private:
  const uint8_t* data_;
  size_t size_;
  std::string name_;
};

}  // namespace trainhost::fuzz
