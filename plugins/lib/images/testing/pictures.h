// Image files for tests, made by Pillow.
#pragma once
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <trainhost/plugin.hpp>

#include "files/testing/folder.h"
#include "images/images.h"

namespace trainhost::testing {

inline void ask_oracle(const TemporaryFolder& folder, const std::string& arguments) {
  python(format("'{}/plugins/lib/images/testing/oracle.py' '{}' {}", std::getenv("TRAINHOST_SOURCE_DIR"), folder.path.string(), arguments));
}

inline std::vector<uint8_t> bytes_of(const TemporaryFolder& folder, const std::string& name) {
  const std::string bytes = folder.content(name);
  return {bytes.begin(), bytes.end()};
}

// What load() makes of a file, as the bytes of the tensor.
inline std::string loaded(const images::ImageLoader& loader, std::span<const uint8_t> file, uint64_t random_key = 0) {
  const Field field = loader.field("image");
  std::string out(static_cast<size_t>(field.shape[0] * field.shape[1] * field.shape[2]) * field.dtype.bits / 8, '\0');
  const Tensor tensor{out.data(), field.dtype, field.shape};
  auto workspace = loader.take_workspace();
  loader.load(file, random_key, tensor, *workspace);
  loader.give_back(std::move(workspace));
  return out;
}

// Largest and mean difference of two strings of bytes.
struct Difference {
  int largest = 0;
  double mean = 0;
};
inline Difference difference(const std::string& a, const std::string& b) {
  if (a.size() != b.size() || a.empty()) return {256, 256};
  Difference out;
  for (size_t i = 0; i < a.size(); ++i) {
    const int apart = std::abs(static_cast<uint8_t>(a[i]) - static_cast<uint8_t>(b[i]));
    out.largest = std::max(out.largest, apart);
    out.mean += apart;
  }
  out.mean /= static_cast<double>(a.size());
  return out;
}

}  // namespace trainhost::testing
