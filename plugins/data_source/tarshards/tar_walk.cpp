// Headers that describe the next one (GNU's L and K, pax x) are collected until a member comes; g stays for all that follow.
#include "tar_walk.h"

#include <algorithm>
#include <charconv>

#include <trainhost/format.hpp>

namespace trainhost::tarshards {
namespace {

constexpr uint64_t kSmallestPiece = 4096, kLargestPiece = 65536;
constexpr uint64_t kLongestText = 1 << 20;  // of a name, or of pax records

uint64_t padded(uint64_t size) { return (size + kBlock - 1) / kBlock * kBlock; }

bool is_regular(const TarHeader& header, std::string_view name) {
  const bool is_old = header.type == '\0';  // V7 knows folders by their slash
  return header.type == '0' || header.type == '7' || (is_old && !name.ends_with('/'));
}

}  // namespace

std::optional<TarMember> TarWalk::next() {
  std::optional<std::string> long_name;
  Extended own;
  for (bool is_described = false;; is_described = true) {
    const uint64_t offset = at_;
    if (offset == file_.size() && !is_described) return std::nullopt;
    if (offset > file_.size()) throw TarDamage(file_.size(), "the archive is cut behind the content of a member");
    if (file_.size() - offset < kBlock) throw TarDamage(offset, format("the archive is cut: {} bytes are left where a header of {} stands", file_.size() - offset, kBlock));
    const auto block = bytes_at(offset, kBlock).first<kBlock>();
    if (is_zero_block(block)) {
      if (is_described) throw TarDamage(offset, "the archive ends behind a header that describes one more member");
      has_end_mark_ = true;
      at_ = file_.size();
      return std::nullopt;
    }
    TarHeader header = parse_header(block, offset);
    const uint64_t content = offset + kBlock;
    if (header.type == 'L' || header.type == 'K' || header.type == 'x' || header.type == 'g') {
      const std::string text = text_at(header, content);
      if (header.type == 'L') long_name = text.substr(0, text.find('\0'));
      if (header.type == 'x') read_records(text, content, own);
      if (header.type == 'g') read_records(text, content, global_);
      at_ = end_of(header, content);
      continue;
    }
    if (own.size || global_.size) header.size = own.size ? *own.size : *global_.size;
    const std::string name = own.path ? *own.path : long_name ? *long_name : global_.path ? *global_.path : header.name;
    if (header.type == 'S') throw TarDamage(offset, format("member \"{}\" is a sparse file, which is not read; pack it anew without holes", name));
    if (header.type == 'M') throw TarDamage(offset, format("member \"{}\" goes on from another volume, which is not read; join the volumes", name));
    at_ = end_of(header, content);
    return TarMember{name, content, header.size, is_regular(header, name)};
  }
}

// Where the next header stands. Links and folders have no content, whatever their size says.
uint64_t TarWalk::end_of(const TarHeader& header, uint64_t content) const {
  if (header.type >= '1' && header.type <= '6') return content;
  const uint64_t left = file_.size() - content;
  if (header.size > left) throw TarDamage(content - kBlock, format("member \"{}\" has {} bytes, but the archive is cut {} bytes behind its header", header.name, header.size, left));
  return content + padded(header.size);
}

std::string TarWalk::text_at(const TarHeader& header, uint64_t offset) {
  if (header.size > kLongestText) throw TarDamage(offset - kBlock, format("a long name or extended header of {} bytes, more than {}", header.size, kLongestText));
  if (header.size > file_.size() - offset) throw TarDamage(offset - kBlock, "the archive is cut within a long name or extended header");
  const auto bytes = bytes_at(offset, header.size);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Records "LENGTH KEY=VALUE\n", the length that of the whole record in decimal.
void TarWalk::read_records(std::string_view text, uint64_t offset, Extended& out) const {
  while (!text.empty() && text[0] != '\0') {
    size_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    const auto digits = static_cast<size_t>(end - text.data());
    if (error != std::errc() || length < digits + 3 || length > text.size() || text[digits] != ' ' || text[length - 1] != '\n') throw TarDamage(offset, "a damaged pax header");
    const std::string_view record = text.substr(digits + 1, length - digits - 2);
    const size_t equals = record.find('=');
    if (equals == std::string_view::npos) throw TarDamage(offset, "a pax header with a record that has no \"=\"");
    const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    if (key.starts_with("GNU.sparse.")) throw TarDamage(offset, "a sparse file, which is not read; pack it anew without holes");
    if (key == "path") out.path = value;
    if (key == "size") {
      uint64_t size = 0;
      const auto [last, failure] = std::from_chars(value.data(), value.data() + value.size(), size);
      if (failure != std::errc() || last != value.data() + value.size() || size > INT64_MAX) throw TarDamage(offset, format("a pax header with the size \"{}\"", value));
      out.size = size;
    }
    text.remove_prefix(length);
  }
}

// The caller has checked that they are inside of the file. Valid until the next call.
std::span<const std::byte> TarWalk::bytes_at(uint64_t offset, uint64_t size) {
  const bool is_there = offset >= buffer_begin_ && offset - buffer_begin_ <= buffer_.size() && buffer_.size() - (offset - buffer_begin_) >= size;
  if (!is_there) {
    const bool is_near = offset <= buffer_begin_ + buffer_.size() + kSmallestPiece;
    piece_ = is_near ? std::clamp(piece_ * 2, kSmallestPiece, kLargestPiece) : kSmallestPiece;
    buffer_.resize(std::min(std::max(piece_, size), file_.size() - offset));
    buffer_begin_ = offset;
    file_.read(offset, buffer_);
  }
  return std::span<const std::byte>(buffer_).subspan(offset - buffer_begin_, size);
}

}  // namespace trainhost::tarshards
