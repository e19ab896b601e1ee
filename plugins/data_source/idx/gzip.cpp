#include "gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <vector>

#include <trainhost/cpp/error.hpp>

namespace trainhost {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 18;
constexpr int kGzipOnly = 15 + 16;  // the largest window, and a header of gzip

}  // namespace

struct GzipReader::State {
  z_stream stream{};
  std::vector<std::byte> piece = std::vector<std::byte>(kPieceBytes);
  uint64_t next = 0;  // of the file, in bytes
  bool has_ended = false;
};

bool is_gzip(const InputFile& file) {
  std::array<std::byte, 2> start{};
  if (file.size() < start.size()) return false;
  file.read(0, start);
  return start[0] == std::byte{0x1f} && start[1] == std::byte{0x8b};
}

GzipReader::GzipReader(const InputFile& file) : file_(file), state_(std::make_unique<State>()) {
  if (inflateInit2(&state_->stream, kGzipOnly) != Z_OK) throw std::bad_alloc();
}

GzipReader::~GzipReader() { inflateEnd(&state_->stream); }

// False: there is nothing more.
bool GzipReader::step(std::span<std::byte>& out) {
  z_stream& stream = state_->stream;
  if (stream.avail_in == 0) {
    const size_t size = std::min<uint64_t>(kPieceBytes, file_.size() - state_->next);
    file_.read(state_->next, std::span(state_->piece).first(size));
    state_->next += size;
    stream.next_in = reinterpret_cast<Bytef*>(state_->piece.data());
    stream.avail_in = static_cast<uInt>(size);
  }
  const size_t room = std::min<size_t>(out.size(), size_t{1} << 30);  // zlib counts in 32 bits
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(room);
  const int result = inflate(&stream, Z_NO_FLUSH);
  if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) throw damaged(file_, format("is a damaged .gz file ({})", stream.msg ? stream.msg : "zlib"));
  out = out.subspan(room - stream.avail_out);
  state_->has_ended = result == Z_STREAM_END;
  const bool is_used_up = stream.avail_in == 0 && state_->next == file_.size();
  return !state_->has_ended && !(is_used_up && (result == Z_BUF_ERROR || stream.avail_out == room));
}

void GzipReader::read(std::span<std::byte> out) {
  while (!out.empty() && !state_->has_ended && step(out)) {
  }
  if (!out.empty()) throw damaged(file_, state_->has_ended ? "its content ends before its header says" : "is a .gz file that was cut");
}

void GzipReader::finish() {
  std::byte one;
  std::span<std::byte> out(&one, 1);
  while (!state_->has_ended && out.size() == 1 && step(out)) {
  }
  if (out.empty()) throw damaged(file_, "its content goes on behind what its header says");
  if (!state_->has_ended) throw damaged(file_, "is a .gz file that was cut");
  if (state_->stream.avail_in > 0 || state_->next < file_.size()) throw damaged(file_, "something follows its .gz content");
}

}  // namespace trainhost
