// The header of a .npy file: a Python dictionary with three keys.
#include "arrays/npy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "fields/field_text.h"

namespace trainhost {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr uint64_t kMostHeader = uint64_t{1} << 20;

PluginError unsuitable(std::string_view place, std::string_view words) { return {TRAINHOST_INVALID_ARGUMENT, format("{}: {}", place, words)}; }
PluginError damaged(std::string_view place, std::string_view words) { return {TRAINHOST_DATA_LOSS, format("{}: {}", place, words)}; }

// The format of one element, from a text such as "<f4".
trainhost_dtype dtype_of(std::string_view place, std::string_view text) {
  static constexpr std::pair<char, const char*> kKinds[] = {{'b', "bool"}, {'u', "uint"}, {'i', "int"}, {'f', "float"}};
  const std::string_view size = text.substr(std::min<size_t>(text.size(), 2));
  if (text.size() >= 2 && text[1] == 'O') throw unsuitable(place, "holds pickled Python objects, which are never loaded; save an array of numbers");
  if (text.starts_with('>') && size != "1") throw unsuitable(place, format("is big-endian ({}); save it with x.astype(x.dtype.newbyteorder(\"<\"))", text));
  for (const auto& [kind, name] : kKinds) {
    if (text.size() < 3 || text[1] != kind) continue;
    const auto found = kind == 'b' && size == "1" ? find_dtype("bool") : find_dtype(format("{}{}", name, size == "1" ? "8" : size == "2" ? "16" : size == "4" ? "32" : size == "8" ? "64" : "?"));
    if (found) return *found;
  }
  throw unsuitable(place, format("holds elements of format \"{}\"; wanted are bool, whole numbers of 1 to 8 bytes and real ones of 2 to 8", text));
}

class Header {
 public:
  Header(std::string_view place, std::string_view text) : place_(place), rest_(text) {}

  StoredArray read() {
    std::optional<std::string_view> descr;
    std::optional<bool> is_fortran;
    std::optional<std::vector<uint64_t>> shape;
    expect("{");
    while (!accept("}")) {
      const std::string_view key = string();
      expect(":");
      if (key == "descr") descr = description();
      else if (key == "fortran_order") is_fortran = truth();
      else if (key == "shape") shape = sizes();
      else fail();
      if (!accept(",") && !is_next("}")) fail();
    }
    if (!descr || !is_fortran || !shape) fail();
    if (*is_fortran && shape->size() > 1) throw unsuitable(place_, "is in Fortran order; save numpy.ascontiguousarray(x)");
    return {dtype_of(place_, *descr), *std::move(shape), 0};
  }

 private:
  [[noreturn]] void fail() const { throw damaged(place_, "its header is no header of a .npy file"); }
  void skip() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
  bool is_next(std::string_view text) { return skip(), rest_.starts_with(text); }
  bool accept(std::string_view text) {
    const bool is_there = is_next(text);
    if (is_there) rest_.remove_prefix(text.size());
    return is_there;
  }
  void expect(std::string_view text) {
    if (!accept(text)) fail();
  }
  std::string_view string() {
    const std::string_view quote = is_next("\"") ? "\"" : "'";
    expect(quote);
    const std::string_view text = rest_.substr(0, rest_.find(quote));
    rest_.remove_prefix(text.size());
    expect(quote);
    return text;
  }
  std::string_view description() {
    if (is_next("[") || is_next("(")) throw unsuitable(place_, "holds records of several fields; save one array for each");
    return string();
  }
  bool truth() {
    const bool is_true = accept("True");
    if (!is_true) expect("False");
    return is_true;
  }
  std::vector<uint64_t> sizes() {
    std::vector<uint64_t> out;
    expect("(");
    while (!accept(")")) {
      uint64_t size = 0;
      skip();
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (error != std::errc() || out.size() == 32) fail();
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      (void)accept("L");  // Python 2 wrote its long integers so
      out.push_back(size);
      if (!accept(",") && !is_next(")")) fail();
    }
    return out;
  }

  std::string_view place_;
  std::string_view rest_;
};

}  // namespace

StoredArray read_npy(const ArrayBytes& bytes) {
  std::array<unsigned char, 12> start{};
  const size_t start_bytes = std::min<uint64_t>(start.size(), bytes.size);
  bytes.read(0, std::as_writable_bytes(std::span(start)).first(start_bytes));
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start_bytes);
  if (!text.starts_with(kMagic) || start_bytes < start.size()) throw damaged(bytes.place, "is no .npy file: it does not begin as one");
  if (start[6] < 1 || start[6] > 3) throw unsuitable(bytes.place, format("is a .npy file of version {}, known are 1 to 3", start[6]));
  const uint64_t size_bytes = start[6] == 1 ? 2 : 4, begin = 8 + size_bytes;
  uint64_t header_bytes = 0;
  for (uint64_t i = 0; i < size_bytes; ++i) header_bytes |= uint64_t{start[8 + i]} << 8 * i;
  if (header_bytes > kMostHeader || header_bytes > bytes.size - begin) throw damaged(bytes.place, format("its header says that it has {} bytes", header_bytes));
  std::string header(header_bytes, '\0');
  bytes.read(begin, std::as_writable_bytes(std::span(header)));

  StoredArray array = Header(bytes.place, header).read();
  array.offset = begin + header_bytes;
  const uint64_t wanted = bytes_of(array, bytes.place), there = bytes.size - array.offset;
  if (wanted != there) throw damaged(bytes.place, format("its header wants {} bytes of elements, {} are there", wanted, there));
  return array;
}

}  // namespace trainhost
