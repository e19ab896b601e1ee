// Fuzzes the reader of commit records, as they stand and with a right checksum, which no fuzzer finds, and that of checkpoint ids.
#include <algorithm>

#include "checkpoint/record.h"
#include "fuzz.h"

using namespace trainhost;

namespace {

void read_record(std::string_view text) {
  try {
    const std::string written = CommitRecord::parse(text).text();
    fuzz::promise(CommitRecord::parse(written).text() == written, "a record survives writing and reading");
  } catch (const RecordError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  read_record(text);
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::string sealed = seal(line);
  fuzz::promise(unseal(sealed) == line, "what was sealed can be opened");
  read_record(sealed);
  if (const auto id = CheckpointId::parse(line)) fuzz::promise(id->text() == line, "an id has one spelling");
  return 0;
}
