// What a source's data is: 32 bytes that a resume compares.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace trainhost {

class InputFile;

/// Collects what decides the samples: a first line with the plugin, a version of its meaning and the keys that change samples, then the files and their
/// headers. Places and times of change stay out, so that data which was moved goes on.
class Fingerprint {
 public:
  explicit Fingerprint(std::string_view first_line) { add(first_line); }
  void add(std::string_view line) { text_.append(line) += '\n'; }
  /// Name, size and content hash.
  void add(std::string_view name, const InputFile& file);
  std::array<uint8_t, 32> value() const;

 private:
  std::string text_;
};

}  // namespace trainhost
