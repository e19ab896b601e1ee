#include "safetensors.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <cstring>

#include "errors.h"
#include "manifest.h"

namespace pt2 {
namespace {

struct Code {
  const char* name;
  at::ScalarType type;
};
constexpr Code kCodes[] = {{"BOOL", at::kBool}, {"U8", at::kByte}, {"I8", at::kChar}, {"I16", at::kShort}, {"I32", at::kInt}, {"I64", at::kLong}, {"F16", at::kHalf},
                           {"BF16", at::kBFloat16}, {"F32", at::kFloat}, {"F64", at::kDouble}, {"F8_E4M3", at::kFloat8_e4m3fn}, {"F8_E5M2", at::kFloat8_e5m2},
                           {"C64", at::kComplexFloat}};

at::ScalarType type_of(const std::string& code, const std::string& place) {
  for (const Code& one : kCodes)
    if (code == one.name) return one.type;
  throw refuse(trainhost::format("{}: has a number format \"{}\" that this version does not know", place, code));
}

StoredTensor tensor_of(const Json& json, std::span<const std::byte> data, const std::string& place) {
  StoredTensor tensor{type_of(json.at("dtype").get<std::string>(), place), json.at("shape").get<std::vector<int64_t>>(), {}};
  const auto offsets = json.at("data_offsets").get<std::vector<uint64_t>>();
  if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data.size()) throw damaged(place, "its bytes lie outside of the file");
  uint64_t size = c10::elementSize(tensor.dtype);
  for (const int64_t axis : tensor.shape)
    if (axis < 0 || __builtin_mul_overflow(size, static_cast<uint64_t>(axis), &size)) throw damaged(place, "has a shape that no tensor has");
  if (size != offsets[1] - offsets[0]) throw damaged(place, trainhost::format("its shape needs {} bytes, it has {}", size, offsets[1] - offsets[0]));
  tensor.bytes = data.subspan(offsets[0], size);
  return tensor;
}

}  // namespace

std::map<std::string, StoredTensor> read_safetensors(std::span<const std::byte> file, const std::string& place) {
  uint64_t header_bytes = 0;
  if (file.size() < sizeof header_bytes) throw damaged(place, trainhost::format("it has {} bytes, a safetensors file at least 8", file.size()));
  std::memcpy(&header_bytes, file.data(), sizeof header_bytes);
  if (header_bytes > file.size() - sizeof header_bytes) throw damaged(place, "its header is longer than the file");
  const std::string_view text{reinterpret_cast<const char*>(file.data()) + sizeof header_bytes, header_bytes};
  const auto data = file.subspan(sizeof header_bytes + header_bytes);
  std::map<std::string, StoredTensor> tensors;
  try {
    const Json header = parse_json(text, place);
    for (auto one = header.begin(); one != header.end(); ++one)
      if (one.key() != "__metadata__") tensors.emplace(one.key(), tensor_of(one.value(), data, trainhost::format("{}: \"{}\"", place, one.key())));
  } catch (const Json::exception& error) {
    throw damaged(place, trainhost::format("its header is no safetensors header ({})", error.what()));
  }
  return tensors;
}

at::Tensor copied(const StoredTensor& stored) {
  at::Tensor tensor = at::empty(stored.shape, at::TensorOptions(stored.dtype));
  if (!stored.bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), stored.bytes.data(), stored.bytes.size());
  return tensor;
}

}  // namespace pt2
