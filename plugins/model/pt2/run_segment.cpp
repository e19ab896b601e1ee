#include "run_segment.h"

#include <algorithm>
#include <memory>

#include <trainhost/torch/recompute.h>

namespace pt2 {
namespace {

namespace t2 = trainhost::t2;
using c10::IValue;

struct Value {
  Slot slot;
  IValue value;
};

// A segment on the values of one forward pass.
class Replay {
 public:
  Replay(const Plan& plan, const Segment& segment, const std::vector<IValue>& values) : plan_(plan), segment_(segment) {
    for (const Slot slot : segment.inputs) {
      const IValue& value = values[static_cast<size_t>(slot)];
      const bool is_changing = std::find(segment.changing.begin(), segment.changing.end(), slot) != segment.changing.end();
      if (is_changing) {
        changing_.push_back({slot, value});
        before_.push_back(value.toTensor().clone());
      } else if (value.isTensor()) {
        tensors_.push_back(slot);
        inputs_.push_back(value.toTensor());
      } else {
        others_.push_back({slot, value});
      }
    }
  }

  t2::Tensors take_inputs() { return std::move(inputs_); }
  const std::vector<Slot>& tensor_outputs() const { return tensor_outputs_; }
  const std::vector<Value>& other_outputs() const { return other_outputs_; }

  // The tensors among the outputs. Buffers change in the first call; later ones work on copies of what these were.
  t2::Tensors run(const t2::Tensors& inputs) {
    std::vector<IValue> values(static_cast<size_t>(plan_.num_slots));
    for (size_t i = 0; i < tensors_.size(); ++i) values[static_cast<size_t>(tensors_[i])] = inputs[i];
    for (const Value& one : others_) values[static_cast<size_t>(one.slot)] = one.value;
    for (size_t i = 0; i < changing_.size(); ++i) values[static_cast<size_t>(changing_[i].slot)] = has_run_ ? IValue(before_[i].clone()) : changing_[i].value;
    run_segment_steps(plan_, segment_, values);
    return has_run_ ? outputs_again(values) : outputs_of_first(values);
  }

 private:
  t2::Tensors outputs_of_first(std::vector<IValue>& values) {
    has_run_ = true;
    for (const Slot slot : segment_.outputs) {
      IValue& value = values[static_cast<size_t>(slot)];
      if (value.isTensor())
        tensor_outputs_.push_back(slot);
      else
        other_outputs_.push_back({slot, std::move(value)});
    }
    return outputs_again(values);
  }

  t2::Tensors outputs_again(const std::vector<IValue>& values) const {
    t2::Tensors outputs;
    for (const Slot slot : tensor_outputs_) outputs.push_back(values[static_cast<size_t>(slot)].toTensor());
    return outputs;
  }

  const Plan& plan_;
  const Segment& segment_;
  std::vector<Slot> tensors_, tensor_outputs_;
  t2::Tensors inputs_, before_;
  std::vector<Value> changing_, others_, other_outputs_;
  bool has_run_ = false;
};

}  // namespace

void run_segment(const Plan& plan, const Segment& segment, std::vector<IValue>& values) {
  const auto replay = std::make_shared<Replay>(plan, segment, values);  // shared with the graph of gradients
  const t2::Tensors inputs = replay->take_inputs();
  for (const Slot slot : segment.last_uses) values[static_cast<size_t>(slot)] = IValue();
  const t2::Tensors outputs = t2::recomputed([replay](const t2::Tensors& tensors) { return replay->run(tensors); }, inputs, segment.draws);
  for (size_t i = 0; i < outputs.size(); ++i) values[static_cast<size_t>(replay->tensor_outputs()[i])] = outputs[i];
  for (const Value& one : replay->other_outputs()) values[static_cast<size_t>(one.slot)] = one.value;
}

}  // namespace pt2
