// Number, then unit.
#include "config/byte_size.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace trainhost {

uint64_t parse_byte_size(std::string_view text, std::string_view place) {
  static constexpr std::array<std::pair<std::string_view, double>, 5> kUnits{{{"B", 1}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}}};
  double amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount, std::chars_format::fixed);
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  if (error == std::errc() && std::isfinite(amount) && amount > 0)
    for (const auto& [name, factor] : kUnits)
      if (name == unit && amount * factor >= 1 && amount * factor < 0x1p60) return static_cast<uint64_t>(amount * factor);
  throw Error(ExitCode::kConfig, format("{}: \"{}\" is no size of memory; wanted a number above 0 and B, KiB, MiB, GiB or TiB, such as \"2GiB\"", place, text));
}

}  // namespace trainhost
