// Fuzzes the reader of seek tables: it refuses, or the frames lie one behind the other inside of the file.
#include <trainhost/cpp/error.hpp>

#include "input_shard.h"
#include "seek_table.h"

using namespace trainhost;
using namespace trainhost::tarshards;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::InputShard file(data, size);
  (void)is_zstd(file);
  try {
    const SeekTable table = read_seek_table(file);
    uint64_t begin = 0, offset = 0;
    for (const SeekTable::Frame& frame : table.frames) {
      fuzz::promise(frame.begin == begin && frame.size > 0, "content lies one behind the other");
      fuzz::promise(frame.offset >= offset && frame.offset + frame.bytes <= size, "frames lie inside of the file");
      begin += frame.size;
      offset = frame.offset + frame.bytes;
    }
    fuzz::promise(begin == table.size, "the size is that of all frames");
  } catch (const PluginError&) {
  }
  return 0;
}
