// What tests of sources ask all the time.
#pragma once
#include <numeric>
#include <string>
#include <vector>

#include <trainhost/testing.hpp>

namespace trainhost::testing {

inline std::vector<std::uint64_t> all_ids(const PluginUnderTest& source) {
  std::vector<std::uint64_t> ids(source_info(source).num_samples);
  std::iota(ids.begin(), ids.end(), std::uint64_t{0});
  return ids;
}

inline std::string fingerprint(const PluginUnderTest& source) {
  const trainhost_source_info info = source_info(source);
  return {reinterpret_cast<const char*>(info.fingerprint), sizeof info.fingerprint};
}

inline std::vector<std::uint64_t> block_starts(const PluginUnderTest& source) {
  const trainhost_source_info info = source_info(source);
  return {info.block_starts, info.block_starts + info.num_blocks};
}

// The bytes of one field of all samples, one behind the other.
inline std::string bytes_of_field(const PluginUnderTest& source, std::size_t field) {
  std::string out;
  for (const Sample& sample : read(source, all_ids(source))) out.append(sample[field].data, sample[field].num_bytes);
  return out;
}

}  // namespace trainhost::testing
