// Column widths and padding.
#include "base/table.h"

#include <algorithm>

namespace trainhost {
namespace {

bool begins_character(char c) { return (c & 0xC0) != 0x80; }

}  // namespace

size_t text_width(std::string_view text) { return static_cast<size_t>(std::count_if(text.begin(), text.end(), begins_character)); }

std::string_view clip_text(std::string_view text, size_t width) {
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i)
    if (begins_character(text[i]) && characters++ == width) return text.substr(0, i);
  return text;
}

std::string align_columns(const std::vector<std::vector<std::string>>& rows, std::string_view alignment, size_t indent) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], text_width(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line(indent, ' ');
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - text_width(row[i]), ' ');
      const bool is_right = i < alignment.size() && alignment[i] == 'r';
      line += (i > 0 ? "  " : "") + (is_right ? padding + row[i] : row[i] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

}  // namespace trainhost
