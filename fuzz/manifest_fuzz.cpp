// Fuzzes the reader of manifests: what it accepts has sizes that agree, and means the same when it is written and read again.
#include "checkpoint/record.h"
#include "fuzz.h"

using namespace trainhost;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const Manifest manifest = Manifest::parse(fuzz::text_of(data, size));
    for (const ObjectRecord& object : manifest.objects) {
      fuzz::promise(object.header_bytes <= object.bytes, "a header fits into its object");
      fuzz::promise(object.block_crc32c.size() >= object.bytes / manifest.block_bytes, "every block has a checksum");
    }
    const std::string written = manifest.text();
    fuzz::promise(Manifest::parse(written).text() == written, "a manifest survives writing and reading");
  } catch (const RecordError&) {
  }
  return 0;
}
