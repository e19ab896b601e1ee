// Fuzzes the readers of .npy and .safetensors files of the source arrays: they refuse by name, or say an array that lies inside of the file.
#include "files/input_file.h"
#include "fuzz.h"
#include "memory_file.h"
#include "stored_array.h"

using namespace trainhost;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const InputFile file(fuzz::memory_file(data, size));
  try {
    const bool is_npy = size > 0 && data[0] == 0x93;
    const StoredArray array = is_npy ? read_npy(file) : read_safetensors(file, "x");
    fuzz::promise(array.offset <= size && bytes_of(file, array) <= size - array.offset, "elements lie inside of the file");
    if (array.num_rows() > 0 && bytes_of(file, array) > 0) fuzz::promise(array.num_rows() * array.row_bytes() == bytes_of(file, array), "rows make the array");
  } catch (const PluginError& error) {
    fuzz::promise(error.message.find("/proc/self/fd/") == 0, "a refusal names the file");
    fuzz::promise(error.status == TRAINHOST_DATA_LOSS || error.status == TRAINHOST_INVALID_ARGUMENT || error.status == TRAINHOST_NOT_FOUND, "a refusal says whose fault it is");
  }
  return 0;
}
