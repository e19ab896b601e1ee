#include "files/byte_size.h"

#include <charconv>
#include <limits>

#include <trainhost/cpp/error.hpp>

namespace trainhost {
namespace {

struct ByteUnit {
  std::string_view name;
  uint64_t bytes;
};
constexpr ByteUnit kByteUnits[] = {{"B", 1},
                           {"KB", 1'000},
                           {"MB", 1'000'000},
                           {"GB", 1'000'000'000},
                           {"TB", 1'000'000'000'000},
                           {"KiB", uint64_t{1} << 10},
                           {"MiB", uint64_t{1} << 20},
                           {"GiB", uint64_t{1} << 30},
                           {"TiB", uint64_t{1} << 40}};

}  // namespace

uint64_t parse_byte_size(std::string_view text, std::string_view key) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  if (error == std::errc() && number == 0 && unit.empty()) return 0;
  for (const ByteUnit& known : kByteUnits)
    if (error == std::errc() && known.name == unit && number <= std::numeric_limits<int64_t>::max() / known.bytes) return number * known.bytes;
  throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: wanted a number with B, KB, MB, GB or TB such as \"10GB\", or \"0\", got \"{}\"", key, text));
}

std::string byte_size_text(uint64_t bytes) {
  const auto number = static_cast<double>(bytes);
  if (bytes < 1000) return format("{} B", bytes);
  if (number < 999.5e3) return format("{:.3g} KB", number / 1e3);
  if (number < 999.5e6) return format("{:.3g} MB", number / 1e6);
  if (number < 999.5e9) return format("{:.3g} GB", number / 1e9);
  return format("{:.3g} TB", number / 1e12);
}

}  // namespace trainhost
