// Lists of names in one text: "x-{000000..000099}.tar", "{train,extra}.bin".
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace trainhost {

/// All names that the braces of `pattern` stand for, in the order of writing: {a,b} for alternatives, {08..12} for whole numbers, of which both ends belong
/// to the range; where an end begins with 0, all have the length of the longer end. Braces may stand inside of braces.
/// Throws PluginError INVALID_ARGUMENT for braces that do not close, ranges that are none or run backwards, and more than a million names.
std::vector<std::string> expand_braces(std::string_view pattern);

}  // namespace trainhost
