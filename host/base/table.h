// Aligned columns of text, for the tables that people read.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace trainhost {

/// Characters of UTF-8 text (code points); what a terminal shows in as many columns, wide scripts aside.
size_t text_width(std::string_view text);

/// The first `width` characters of the text.
std::string_view clip_text(std::string_view text, size_t width);

/// One line a row, each ended by a newline; `alignment` has 'l' or 'r' for each column (missing: 'l'), two spaces stand between columns, `indent` before
/// the first. Rows may be of different lengths; no line has trailing spaces.
std::string align_columns(const std::vector<std::vector<std::string>>& rows, std::string_view alignment, size_t indent = 2);

}  // namespace trainhost
