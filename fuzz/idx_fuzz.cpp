// Fuzzes the reader of IDX files, plain and gzip: it refuses by name, or every row can be read, in no more memory than was allowed.
#include "fuzz.h"
#include "idx_file.h"
#include "memory_file.h"

#include <trainhost/cpp/error.hpp>

using namespace trainhost;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint64_t kMostMemory = uint64_t{1} << 20;
  try {
    const IdxFile file(fuzz::memory_file(data, size), kMostMemory);
    const std::vector<std::byte> all = file.read_all();
    fuzz::promise(all.size() == file.num_rows() * file.row_bytes() && all.size() <= std::max<uint64_t>(kMostMemory, size), "rows make the content");
    std::vector<std::byte> row(file.row_bytes());
    file.read(file.num_rows() - 1, row);
    fuzz::promise(std::equal(row.begin(), row.end(), all.end() - static_cast<std::ptrdiff_t>(row.size())), "the last row ends the content");
  } catch (const PluginError& error) {
    fuzz::promise(error.message.find("/proc/self/fd/") == 0, "a refusal names the file");
  }
  return 0;
}
