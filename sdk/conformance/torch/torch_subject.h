// What the questions of LibTorch kinds share: the C++ object of an instance, numbers to feed it, bytes to compare, and a watch on waits for the device.
#pragma once

#include <ATen/core/Tensor.h>

#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conformance/specimen.h"
#include "trainhost/torch/types.h"

namespace trainhost::conformance {

namespace t2 = trainhost::t2;

at::Device device_of(const Subject& subject);

// The object of the kind behind a started instance.
template <class Kind>
Kind& object_of(const Specimen& plugin) {
  return const_cast<Kind&>(plugin.need<Kind>(Kind::kInterface));
}

// LibTorch adds a trace to its messages.
std::string first_line(std::string_view text);

// Makes a call into the plugin; what it throws fails the question. `what` names it: "model.forward".
template <class Function>
auto calling(std::string_view what, Function&& function) {
  try {
    return function();
  } catch (const Failed&) {
    throw;
  } catch (const Skipped&) {
    throw;
  } catch (const std::exception& error) {
    fail("{} threw: {}", what, first_line(error.what()));
  } catch (...) {
    fail("{} threw something that is no std::exception; throw a PluginError with words", what);
  }
}

// Standard normal numbers, float64 on the CPU. They come from the question's own source: the generators of LibTorch are part of what is watched.
at::Tensor normal_numbers(at::IntArrayRef sizes, std::mt19937_64& random);

double number_of(const at::Tensor& scalar);
std::string bytes_of(const at::Tensor& tensor);

// Name and bytes of each, in order.
using Bytes = std::vector<std::pair<std::string, std::string>>;
Bytes bytes_of(std::span<const t2::NamedTensor> tensors);
// The name of the first entry that differs; empty when there is none.
std::string first_difference(const Bytes& before, const Bytes& after);

// State of the default generators on CPU and device.
std::vector<at::Tensor> random_states(at::Device device);
void set_random_states(at::Device device, const std::vector<at::Tensor>& states);
void seed_generators(at::Device device, std::uint64_t seed);

// While it lives, calls of operators that make the host wait for a GPU are noticed on the CPU, and throw on a GPU.
class WaitWatch {
 public:
  explicit WaitWatch(at::Device device);
  ~WaitWatch();
  WaitWatch(const WaitWatch&) = delete;
  WaitWatch& operator=(const WaitWatch&) = delete;

  // Names of the operators: "aten::item".
  const std::vector<std::string>& seen() const;

 private:
  at::Device device_;
  std::uint64_t handle_;
};

}  // namespace trainhost::conformance
