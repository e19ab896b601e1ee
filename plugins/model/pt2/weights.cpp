#include "weights.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include <algorithm>

#include "available_memory.h"
#include "errors.h"

namespace pt2 {
namespace {

struct NamedTag {
  const char* name;
  t2::ParameterTag tag;
};
constexpr NamedTag kTags[] = {{"decay", t2::kDecay}, {"norm", t2::kNorm}, {"bias", t2::kBias}, {"embedding", t2::kEmbedding}, {"head", t2::kHead}};

uint32_t tags_of(const TensorFacts& facts) {
  uint32_t tags = 0;
  for (const NamedTag& one : kTags)
    if (std::find(facts.tags.begin(), facts.tags.end(), one.name) != facts.tags.end()) tags |= one.tag;
  return tags;
}

uint64_t bytes_of(const TensorFacts& facts) {
  uint64_t bytes = c10::elementSize(facts.dtype);
  for (const int64_t axis : facts.shape)
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(axis), &bytes)) throw refuse(trainhost::format("\"{}\" has a shape that no tensor has; export the model again", facts.name));
  return bytes;
}

// docs/bundle.md, "Rules of initial values": the first four bytes of a digest over the seed and the name.
uint64_t generator_seed(uint64_t seed, const std::string& name) {
  const std::string text = trainhost::format("trainhost.bundle.initial/1\n{}\n{}", seed, name);
  return std::stoull(sha256_of(std::as_bytes(std::span(text.data(), text.size()))).substr(0, 8), nullptr, 16);
}

at::Tensor drawn(const TensorFacts& facts, uint64_t seed) {
  const at::Tensor values = at::empty(facts.shape, at::TensorOptions(facts.dtype == at::kDouble ? at::kDouble : at::kFloat));
  at::Generator generator = at::detail::createCPUGenerator(generator_seed(seed, facts.name));
  const auto [kind, first, second] = facts.initial;
  switch (kind) {
    case InitialRule::Kind::kNormal: values.normal_(first, second, generator); break;
    case InitialRule::Kind::kUniform: values.uniform_(first, second, generator); break;
    default: values.fill_(first); break;
  }
  return values.to(facts.dtype);
}

// In the layout that the model had when it was exported.
at::Tensor placed(const TensorFacts& facts, const at::Tensor& values, at::Device device) {
  if (facts.strides.empty()) return values.to(device);
  const at::Tensor tensor = at::empty_strided(facts.shape, facts.strides, at::TensorOptions(facts.dtype).device(device));
  if (!tensor.is_non_overlapping_and_dense()) throw refuse(trainhost::format("\"{}\" has strides that let its elements overlap; export the model again", facts.name));
  tensor.copy_(values);
  return tensor;
}

at::Tensor stored_values(const TensorFacts& facts, const std::map<std::string, StoredTensor>& file, const std::string& place) {
  const auto found = file.find(facts.name);
  if (found == file.end()) throw refuse(trainhost::format("{}: has no values for \"{}\", which the manifest lists; export the model again", place, facts.name));
  if (found->second.dtype != facts.dtype || found->second.shape != facts.shape)
    throw refuse(trainhost::format("{}: \"{}\" does not fit the manifest: got {} with {} axes, wanted {} with {}; export the model again", place, facts.name,
                                   dtype_name(found->second.dtype), found->second.shape.size(), dtype_name(facts.dtype), facts.shape.size()));
  return copied(found->second);
}

void require_memory(const Bundle& bundle, at::Device device) {
  const uint64_t wanted = weight_bytes(bundle.manifest()), available = available_memory();
  if (!device.is_cpu() || wanted <= available) return;
  TORCH_CHECK_WITH(OutOfMemoryError, false,
                   trainhost::format("pt2: {}: its weights take {:.1f} GB, and {:.1f} GB of memory are left; use a machine with more, or a smaller model", bundle.path(),
                                     static_cast<double>(wanted) / 1e9, static_cast<double>(available) / 1e9));
}

}  // namespace

uint64_t weight_bytes(const Manifest& manifest) {
  uint64_t bytes = 0;
  for (const auto* list : {&manifest.parameters, &manifest.buffers})
    for (const TensorFacts& facts : *list)
      if (__builtin_add_overflow(bytes, bytes_of(facts), &bytes)) throw refuse("the manifest's tensors are larger than any memory; export the model again");
  return bytes;
}

Weights load_weights(Bundle& bundle, at::Device device, uint64_t seed) {
  const Manifest& manifest = bundle.manifest();
  require_memory(bundle, device);
  const at::NoGradGuard no_gradients;
  Weights weights;
  const auto stored = bundle.tensors("weights.safetensors"), others = bundle.tensors("buffers.safetensors");
  for (const TensorFacts& facts : manifest.parameters) {
    const bool is_stored = facts.initial.kind == InitialRule::Kind::kStored;
    const at::Tensor values = is_stored ? stored_values(facts, stored, bundle.path() + ": weights.safetensors") : drawn(facts, seed);
    weights.parameter_index[facts.name] = weights.parameters.size();
    weights.parameters.push_back({facts.name, placed(facts, values, device), {}, !facts.is_frozen, tags_of(facts)});
  }
  for (const TensorFacts& facts : manifest.buffers) {
    const std::string file = facts.is_persistent ? "weights.safetensors" : "buffers.safetensors";
    const at::Tensor tensor = placed(facts, stored_values(facts, facts.is_persistent ? stored : others, bundle.path() + ": " + file), device);
    weights.buffers[facts.name] = tensor;
    (facts.is_mutated ? weights.mutated : weights.unchanged).push_back({facts.name, tensor});
  }
  for (const auto& [name, target] : manifest.tied) {
    if (const auto found = weights.parameter_index.find(target); found != weights.parameter_index.end())
      weights.parameter_index[name] = found->second;
    else if (const auto buffer = weights.buffers.find(target); buffer != weights.buffers.end())
      weights.buffers[name] = buffer->second;
    else
      throw refuse(trainhost::format("{}: \"{}\" is tied to \"{}\", which the manifest does not list; export the model again", bundle.path(), name, target));
  }
  return weights;
}

std::map<std::string, at::Tensor> load_constants(Bundle& bundle, const std::string& mode, at::Device device) {
  std::map<std::string, at::Tensor> constants;
  for (const auto& [name, stored] : bundle.tensors(mode + "/constants.safetensors")) constants[name] = copied(stored).to(device);
  return constants;
}

}  // namespace pt2
