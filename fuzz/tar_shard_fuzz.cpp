// Fuzzes the reader of tar shards: it never fails, its samples lie inside of the archive, and its index comes back as it was.
#include <set>

#include <trainhost/cpp/error.hpp>

#include "index_file.h"
#include "input_shard.h"
#include "shard_index.h"

using namespace trainhost;
using namespace trainhost::tarshards;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ShardIndex index = scan_shard(fuzz::InputShard(data, size));
  std::set<std::string> keys;
  for (const IndexedSample& sample : index.samples) {
    fuzz::promise(!sample.members.empty(), "a sample has members");
    fuzz::promise(keys.insert(sample.key).second, "each key comes once");
    std::set<uint32_t> extensions;
    for (const IndexedMember& member : sample.members) {
      fuzz::promise(member.offset <= size && member.size <= size - member.offset, "members lie inside of the archive");
      fuzz::promise(member.extension < index.extensions.size() && extensions.insert(member.extension).second, "each extension comes once in a sample");
    }
  }
  const auto bytes = write_index(index, size, "x");
  const auto back = read_index(bytes, size, "x");
  fuzz::promise(back && write_index(*back, size, "x") == bytes, "the index comes back as it was");
  return 0;
}
