#include "idx_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include <trainhost/cpp/error.hpp>

#include "gzip.h"

namespace trainhost {
namespace {

constexpr uint64_t kMostInflation = 1032;  // deflate makes no byte into more than that
constexpr std::byte kBytes{0x08};          // the code of unsigned bytes

}  // namespace

IdxFile::IdxFile(std::filesystem::path path, uint64_t max_memory) : input_(std::move(path), InputFile::Keep::kOpen) {
  if (is_gzip(input_)) {
    inflate(max_memory);
    return;
  }
  uint64_t at = 0;
  read_header([&](std::span<std::byte> out) {
    if (out.size() > input_.size() - at) throw damaged(input_, format("has {} bytes, fewer than the header of an IDX file", input_.size()));
    input_.read(std::exchange(at, at + out.size()), out);
  });
  if (input_.size() - header_bytes_ != content_bytes())
    throw damaged(input_, format("its header wants {} bytes behind it, {} are there", content_bytes(), input_.size() - header_bytes_));
}

// `read` fills what it is given with the next bytes.
template <class Read>
void IdxFile::read_header(const Read& read) {
  std::array<std::byte, 4> start{};
  read(start);
  const auto num_axes = static_cast<unsigned>(start[3]);
  if (start[0] != std::byte{0} || start[1] != std::byte{0} || num_axes == 0 || num_axes > 8) throw damaged(input_, "is no IDX file: it does not begin as one");
  if (start[2] != kBytes)
    throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: holds elements of code {:x}, wanted are unsigned bytes, 8; write it in these, or use the source arrays", input_.path(),
                                                         static_cast<unsigned>(start[2])));
  uint64_t all = 1;
  for (unsigned axis = 0; axis < num_axes; ++axis) {
    std::array<std::byte, 4> digits{};
    read(digits);
    uint64_t size = 0;
    for (const std::byte digit : digits) size = size << 8 | static_cast<uint64_t>(digit);
    if (size == 0 || __builtin_mul_overflow(all, size, &all)) throw damaged(input_, format("axis {} has the size {}; its elements cannot be counted", axis, size));
    sizes_.push_back(size);
  }
  header_bytes_ = 4 + 4 * num_axes;
}

void IdxFile::inflate(uint64_t max_memory) {
  GzipReader reader(input_);
  read_header([&](std::span<std::byte> out) { reader.read(out); });
  if (content_bytes() / kMostInflation > input_.size())
    throw damaged(input_, format("its header wants {} bytes, more than its {} bytes of .gz can hold", content_bytes(), input_.size()));
  if (content_bytes() > max_memory)
    throw PluginError(TRAINHOST_RESOURCE_EXHAUSTED, format("{}: its content takes {} MB of memory, idx.max_memory_mb allows {}; unpack it with gunzip, or raise the key", input_.path(),
                                                           content_bytes() >> 20, max_memory >> 20));
  content_.resize(content_bytes());
  reader.read(content_);
  reader.finish();
  is_inflated_ = true;
}

uint64_t IdxFile::row_bytes() const {
  uint64_t bytes = 1;
  for (size_t axis = 1; axis < sizes_.size(); ++axis) bytes *= sizes_[axis];
  return bytes;
}

void IdxFile::read(uint64_t row, std::span<std::byte> out) const {
  if (is_inflated_)
    std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(row * out.size()), out.size(), out.begin());
  else
    input_.read(header_bytes_ + row * out.size(), out);
}

std::vector<std::byte> IdxFile::read_all() const {
  if (is_inflated_) return content_;
  std::vector<std::byte> all(content_bytes());
  input_.read(header_bytes_, all);
  return all;
}

}  // namespace trainhost
