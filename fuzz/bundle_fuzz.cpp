// Fuzzes the reader of bundles: a ZIP file is refused or has entries inside of the file, a manifest is refused or fits together.
#include <string>

#include "fuzz.h"
#include "manifest.h"
#include "zip.h"

#include <trainhost/cpp/error.hpp>

using trainhost::PluginError;
using trainhost::fuzz::promise;

namespace {

void read_manifest(std::string_view text) {
  try {
    const pt2::Manifest manifest = pt2::read_manifest(text, "manifest.json");
    for (const pt2::FieldFacts& field : manifest.fields) {
      for (const pt2::AxisSize& axis : field.shape) promise(axis.dimension < static_cast<int>(manifest.dimensions.size()), "an axis has a dimension that is there");
      promise(!pt2::shape_text(manifest, field).empty(), "a shape has a text");
    }
    for (const pt2::TensorFacts& tensor : manifest.parameters) promise(tensor.strides.empty() || tensor.strides.size() == tensor.shape.size(), "there is one stride for each axis");
  } catch (const PluginError& error) {
    promise(error.message.find("manifest.json") != std::string::npos, "a refusal names the place");
  }
}

void read_zip(std::span<const std::byte> bytes) {
  try {
    const pt2::ZipEntries entries("x.thm", bytes);
    for (const auto& [name, content] : entries.all()) {
      const bool is_inside = content.empty() || (content.data() >= bytes.data() && content.data() + content.size() <= bytes.data() + bytes.size());
      promise(is_inside, "entries lie inside of the file");
    }
    if (entries.contains("manifest.json")) read_manifest(entries.text("manifest.json"));
  } catch (const PluginError& error) {
    promise(error.message.find("x.thm") != std::string::npos, "a refusal names the file");
  }
}

}  // namespace

// What begins like JSON is a manifest by itself, so that its length may change.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0 && data[0] == '{')
    read_manifest(trainhost::fuzz::text_of(data, size));
  else
    read_zip({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
