// What a source's data is: 32 bytes that a resume compares.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace trainhost {

class InputFile;

/// Collects what decides the samples: a first line with the plugin, a version of its meaning and the keys that change samples, then the files and their
/// headers. Places and times of change stay out, so that data which was moved goes on; the stamp has the times too, for what is kept of the data.
class Fingerprint {
 public:
  explicit Fingerprint(std::string_view first_line) { add(first_line); }
  void add(std::string_view line) { text_.append(line) += '\n'; }
  /// Counts for the stamp alone.
  void add_to_stamp(std::string_view line) { stamp_text_.append(line) += '\n'; }
  /// Name, size and content hash; for the stamp the time of change too.
  void add(std::string_view name, const InputFile& file);
  std::array<uint8_t, 32> value() const;
  /// Another one whenever the value is, and whenever a file was changed where its content hash does not look.
  std::array<uint8_t, 32> stamp() const;

 private:
  std::string text_, stamp_text_;
};

}  // namespace trainhost
