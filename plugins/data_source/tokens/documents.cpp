// The files are cut into pieces that threads take in turn; what they find is put together in order.
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

std::vector<Piece> cut(const std::deque<TokenFile>& files) {
  std::vector<Piece> pieces;
  for (const TokenFile& file : files)
    for (uint64_t first = 0; first < file.num_tokens(); first += kPieceTokens) pieces.push_back({&file, first, std::min(kPieceTokens, file.num_tokens() - first)});
  return pieces;
}

void scan(Piece& piece, uint32_t end_token) {
  std::vector<std::byte> raw(piece.num_tokens * piece.file->token_bytes());
  piece.file->read(piece.first, raw);
  with_tokens(raw, piece.file->token_bytes(), [&](auto tokens) {
    for (auto found = tokens.begin(); (found = std::find(found, tokens.end(), end_token)) != tokens.end();) piece.ends.push_back(piece.first + static_cast<uint64_t>(++found - tokens.begin()));
  });
}

}  // namespace

std::vector<std::vector<uint64_t>> find_document_ends(const std::deque<TokenFile>& files, uint32_t end_token, const std::function<void()>& check_cancelled) {
  std::vector<Piece> pieces = cut(files);
  in_parallel(pieces.size(), [&](size_t i) {
    check_cancelled();
    scan(pieces[i], end_token);
  });
  std::vector<std::vector<uint64_t>> ends;
  auto piece = pieces.begin();
  for (const TokenFile& file : files) {
    std::vector<uint64_t>& own = ends.emplace_back();
    for (; piece != pieces.end() && piece->file == &file; ++piece) own.insert(own.end(), piece->ends.begin(), piece->ends.end());
    if (own.empty() || own.back() != file.num_tokens()) own.push_back(file.num_tokens());
  }
  return ends;
}

}  // namespace trainhost
