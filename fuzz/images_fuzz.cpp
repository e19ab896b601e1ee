// Fuzzes the decoding of images: each file becomes a sample, the same with the same key, or is refused.
#include <vector>

#include "fuzz.h"
#include "images/images.h"

using namespace trainhost;
using namespace trainhost::images;

namespace {

ImageOptions options_of(uint8_t choice) {
  ImageOptions options;
  options.height = 9, options.width = 11;
  options.channels = choice & 1 ? 1 : 3;
  options.crop = choice & 2 ? "random" : choice & 4 ? "center" : "none";
  options.dtype = "uint8";
  options.scaled_decode = (choice & 8) != 0;
  options.tolerate_warnings = (choice & 16) != 0;
  options.max_pixels = 40000;
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ImageLoader loader(options_of(data[size - 1]));
  const Field field = loader.field("image");
  std::vector<uint8_t> first(9 * 11 * 3), second(first.size());
  Workspace workspace(options_of(data[size - 1]));
  try {
    loader.load({data, size - 1}, size, {first.data(), field.dtype, field.shape}, workspace);
  } catch (const PluginError& refused) {
    fuzz::promise(refused.status == TRAINHOST_DATA_LOSS, "a file that is refused is damaged");
    return 0;
  }
  loader.load({data, size - 1}, size, {second.data(), field.dtype, field.shape}, workspace);
  fuzz::promise(first == second, "the same file and key give the same sample");
  return 0;
}
