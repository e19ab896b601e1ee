// A file is cut into pieces that threads take in turn; what they find is put together in order.
#include "documents.h"

#include <algorithm>

#include "files/parallel.h"

namespace trainhost {
namespace {

constexpr uint64_t kPieceTokens = uint64_t{1} << 20;

struct Piece {
  const TokenFile* file;
  uint64_t first, num_tokens;
  std::vector<uint64_t> ends = {};
};

void scan(Piece& piece, uint32_t end_token) {
  std::vector<std::byte> raw(piece.num_tokens * piece.file->token_bytes());
  piece.file->read(piece.first, raw);
  with_tokens(raw, piece.file->token_bytes(), [&](auto tokens) {
    for (auto found = tokens.begin(); (found = std::find(found, tokens.end(), end_token)) != tokens.end();) piece.ends.push_back(piece.first + static_cast<uint64_t>(++found - tokens.begin()));
  });
}

std::vector<uint64_t> scanned(const TokenFile& file, uint32_t end_token, const Surroundings& around) {
  std::vector<Piece> pieces;
  for (uint64_t first = 0; first < file.num_tokens(); first += kPieceTokens) pieces.push_back({&file, first, std::min(kPieceTokens, file.num_tokens() - first)});
  in_parallel(pieces.size(), [&](size_t i) {
    around.check_cancelled();
    scan(pieces[i], end_token);
  });
  std::vector<uint64_t> ends;
  for (const Piece& piece : pieces) ends.insert(ends.end(), piece.ends.begin(), piece.ends.end());
  if (ends.empty() || ends.back() != file.num_tokens()) ends.push_back(file.num_tokens());
  return ends;
}

}  // namespace

std::vector<std::vector<uint64_t>> find_document_ends(const std::deque<TokenFile>& files, uint32_t end_token, const OffsetStore& store, const Surroundings& around) {
  std::vector<std::vector<uint64_t>> ends;
  for (const TokenFile& file : files) {
    const std::string purpose = format("documents/1 end {} bytes {}", end_token, file.token_bytes());
    if (auto kept = store.load(file.input(), purpose)) {
      ends.push_back(*std::move(kept));
      continue;
    }
    ends.push_back(scanned(file, end_token, around));
    if (const std::string failure = store.save(file.input(), purpose, ends.back()); !failure.empty()) around.warn(failure);
  }
  return ends;
}

}  // namespace trainhost
