// A header is recognised by its magic number and held against the size of the file.
#include "token_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include <trainhost/cpp/error.hpp>

namespace trainhost {
namespace {

constexpr uint64_t kHeaderBytes = 1024;  // 256 integers of 32 bits: magic, version, tokens, zeros

// The two kinds of files that llm.c's programs write.
struct HeaderKind {
  uint32_t magic, version;
  size_t token_bytes;
};
constexpr HeaderKind kKinds[] = {{20240520, 1, 2}, {20240801, 7, 4}};

const char* dtype_of(size_t token_bytes) { return token_bytes == 2 ? "uint16" : "uint32"; }

struct Layout {
  uint64_t header_bytes;
  size_t token_bytes;
};

Layout check_header(const InputFile& file, const HeaderKind& kind, std::span<const uint32_t, 3> header) {
  if (header[1] != kind.version)
    throw PluginError(TRAINHOST_INVALID_ARGUMENT,
                      format("{}: has version {} of a token file with magic {}, known is {}; write it again in that version", file.path(), header[1], kind.magic, kind.version));
  const uint64_t wanted = kHeaderBytes + uint64_t{header[2]} * kind.token_bytes;
  if (file.size() != wanted)
    throw PluginError(TRAINHOST_DATA_LOSS, format("{}: its header says {} tokens, which makes {} bytes, but it has {}; it was cut or damaged: write or copy it again",
                                                  file.path(), header[2], wanted, file.size()));
  return {kHeaderBytes, kind.token_bytes};
}

Layout layout_of(const InputFile& file, const std::optional<std::string>& dtype) {
  std::array<uint32_t, 3> header{};
  if (file.size() >= sizeof header) file.read(0, std::as_writable_bytes(std::span(header)));
  for (const HeaderKind& kind : kKinds) {
    if (header[0] != kind.magic) continue;
    const Layout found = check_header(file, kind, header);
    if (!dtype || *dtype == dtype_of(found.token_bytes)) return found;
    throw PluginError(TRAINHOST_INVALID_ARGUMENT,
                      format("{}: its header says {}, tokens.dtype is {}; leave the key out for files with headers", file.path(), dtype_of(found.token_bytes), *dtype));
  }
  if (!dtype) throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: has no header; set tokens.dtype to \"uint16\" or \"uint32\"", file.path()));
  const Layout raw{0, *dtype == "uint16" ? size_t{2} : size_t{4}};
  if (file.size() == 0 || file.size() % raw.token_bytes != 0)
    throw PluginError(TRAINHOST_DATA_LOSS, format("{}: has {} bytes, wanted a multiple of {} for {}, and more than none; it was cut, or tokens.dtype is another", file.path(),
                                                  file.size(), raw.token_bytes, *dtype));
  return raw;
}

}  // namespace

TokenFile::TokenFile(std::string name, std::unique_ptr<InputFile> input, const std::optional<std::string>& dtype, uint64_t vocabulary)
    : name_(std::move(name)), input_(std::move(input)), vocabulary_(vocabulary) {
  const Layout layout = layout_of(*input_, dtype);
  header_bytes_ = layout.header_bytes;
  token_bytes_ = layout.token_bytes;
  num_tokens_ = (input_->size() - header_bytes_) / token_bytes_;
}

void TokenFile::read(uint64_t first, std::span<std::byte> raw) const {
  input_->read(header_bytes_ + first * token_bytes_, raw);
  check_below_vocabulary(first, raw);
}

void TokenFile::check_below_vocabulary(uint64_t first, std::span<const std::byte> raw) const {
  with_tokens(raw, token_bytes_, [&](auto tokens) {
    uint32_t largest = 0;
    for (const auto token : tokens) largest = std::max<uint32_t>(largest, token);
    if (largest < vocabulary_) return;
    const auto stray = std::find_if(tokens.begin(), tokens.end(), [&](auto token) { return token >= vocabulary_; });
    throw PluginError(TRAINHOST_DATA_LOSS,
                      format("{}: token {} at position {} is not below tokens.vocabulary {}; correct the vocabulary, or the file is damaged or of another dtype than {}",
                             input_->path(), *stray, first + static_cast<uint64_t>(stray - tokens.begin()), vocabulary_, dtype_of(token_bytes_)));
  });
}

void widen(std::span<const std::byte> raw, size_t token_bytes, std::span<int32_t> out) {
  with_tokens(raw, token_bytes, [&](auto tokens) { std::transform(tokens.begin(), tokens.end(), out.begin(), [](auto token) { return static_cast<int32_t>(token); }); });
}

}  // namespace trainhost
