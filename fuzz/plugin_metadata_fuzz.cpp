// Fuzzes what `plugins list` reads of a file that it must not trust: the ELF walk and the records of the plugin section.
#include <sys/mman.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "fuzz.h"
#include "plugin/metadata.h"

using namespace trainhost;

namespace {

// A file in memory that each input replaces.
std::filesystem::path file_of(const uint8_t* data, size_t size) {
  static const int handle = memfd_create("input", 0);
  fuzz::promise(ftruncate(handle, 0) == 0 && pwrite(handle, data, size, 0) == static_cast<ssize_t>(size), "the input can be written");
  return "/proc/self/fd/" + std::to_string(handle);
}

void check(const PluginRecord& record, const HostAbi& host) {
  fuzz::promise(record.schema != nullptr && record.schema->is_object(), "a schema is an object");
  try {
    check_compatible(record, host);
    fuzz::promise(!record.kind.empty() && !record.name.empty(), "a plugin that fits has a name");
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto records = read_records(file_of(data, size));
    fuzz::promise(!records.empty(), "a plugin file holds a plugin");
    for (const PluginRecord& record : records) check(record, host_abi());
  } catch (const Error& error) {
    fuzz::promise(error.code() == ExitCode::kPlugin, "a bad plugin file is exit code 13");
  }
  return 0;
}
