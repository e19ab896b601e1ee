// Fuzzes the readers of indexes, ours and DALI's: they refuse, or what they say lies inside of the shard.
#include <algorithm>
#include <cstring>

#include <isa-l/crc.h>

#include <trainhost/cpp/error.hpp>

#include "dali_index.h"
#include "fuzz.h"
#include "index_file.h"

using namespace trainhost;
using namespace trainhost::tarshards;

namespace {

constexpr uint64_t kShardBytes = 8192;

// Every block of it is a header of a file of 3 bytes.
class EndlessShard final : public RangedFile {
 public:
  EndlessShard() : block_(512, std::byte{0}) {
    const auto put = [&](size_t at, const char* text) { std::memcpy(block_.data() + at, text, std::strlen(text)); };
    put(0, "a.txt");
    put(124, "00000000003");
    put(148, "        ");
    block_[156] = std::byte{'0'};
    unsigned sum = 0;
    for (const std::byte byte : block_) sum += std::to_integer<unsigned>(byte);
    char octal[8];
    std::snprintf(octal, sizeof octal, "%06o", sum);
    put(148, octal);
    block_[154] = std::byte{0};
  }
  const std::string& name() const override { return name_; }
  uint64_t size() const override { return kShardBytes; }
  std::string version() const override { return {}; }
  void read(uint64_t offset, std::span<std::byte> out) const override {
    fuzz::promise(offset % 512 == 0 && offset <= kShardBytes && out.size() <= kShardBytes - offset && out.size() <= 512, "reads are headers inside of the shard");
    std::copy_n(block_.begin(), out.size(), out.begin());
  }

 private:
  std::vector<std::byte> block_;
  std::string name_ = "shard";
};

void check(const ShardIndex& index) {
  for (const IndexedSample& sample : index.samples) {
    fuzz::promise(!sample.members.empty(), "a sample has members");
    for (const IndexedMember& member : sample.members) {
      fuzz::promise(member.extension < index.extensions.size(), "extensions are known");
      fuzz::promise(member.offset <= kShardBytes && member.size <= kShardBytes - member.offset, "members lie inside of the shard");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::byte> bytes(size + 4);
  std::memcpy(bytes.data(), data, size);
  const uint32_t crc = ~crc32_iscsi(const_cast<unsigned char*>(data), static_cast<int>(size), 0xffffffffu);  // the rest is what is looked for
  std::memcpy(bytes.data() + size, &crc, 4);
  if (const auto index = read_index(bytes, kShardBytes, "1")) check(*index);
  try {
    check(import_dali_index(fuzz::text_of(data, size), "index", EndlessShard()));
  } catch (const PluginError&) {
  }
  return 0;
}
