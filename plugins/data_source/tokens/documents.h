// Where documents end, found by looking at every token once.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "files/offset_store.h"
#include "token_file.h"

namespace trainhost {

/// What the search asks of its surroundings; both are called from several threads.
struct Surroundings {
  std::function<void()> check_cancelled;         // between pieces; a throw ends the search
  std::function<void(const std::string&)> warn;  // of what could not be kept for the next run
};

/// For each file, ascending, the positions behind each `end_token`, and behind the last token if that is another one. Reads on up to eight threads what the store does
/// not know. Throws what reading throws.
std::vector<std::vector<uint64_t>> find_document_ends(const std::deque<TokenFile>& files, uint32_t end_token, const OffsetStore& store, const Surroundings& around);

}  // namespace trainhost
