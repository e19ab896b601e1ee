// Where documents end, found by looking at every token once.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "token_file.h"

namespace trainhost {

/// For each file, ascending, the positions behind each `end_token`, and behind the last token if that is another one. Reads all files on up to eight threads;
/// `check_cancelled` is called between pieces, from these. Throws what reading throws, and what that throws.
std::vector<std::vector<uint64_t>> find_document_ends(const std::deque<TokenFile>& files, uint32_t end_token, const std::function<void()>& check_cancelled);

}  // namespace trainhost
