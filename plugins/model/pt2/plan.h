// A program made ready to run: steps over a table of values, in which every name has become a number. Made once, replayed for each batch.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scalar_op.h"

namespace pt2 {

using Slot = int32_t;  // a place in the table of values
inline constexpr Slot kNoSlot = -1;

// How an operand gets onto the stack. kMove is the last use of a value: the table lets go of it.
enum class Take : uint8_t { kConstant, kCopy, kMove, kList };
// What becomes of it there: Python turns numbers into tensors and whole numbers into reals where an operator wants them.
enum class Convert : uint8_t { kNothing, kTensor, kReal };

struct Operand {
  Take take = Take::kConstant;
  Convert convert = Convert::kNothing;
  int32_t index = 0;  // of Plan::constants, of the table, of Plan::lists
};

// A list of which at least one item is a value.
struct ListOperand {
  enum class Kind : uint8_t { kTensors, kOptionalTensors, kInts, kReals, kBools } kind;
  struct Item {
    Slot slot;            // kNoSlot: the literal
    c10::IValue literal;  // None in a list of optional tensors
  };
  std::vector<Item> items;
};

// One return value: one slot, or for a list of tensors Plan::list_slots[first, first + count).
struct Result {
  static constexpr int32_t kSingle = -1;
  Slot first = kNoSlot;
  int32_t count = kSingle;
};

enum class StepKind : uint8_t { kOperator, kScalar, kEnterGrad, kEnterAutocast, kLeave };

struct Range {
  uint32_t first = 0, count = 0;
};

// A region of other settings: gradients on or off, or autocast.
struct Region {
  bool is_enabled = false, keeps_casts = true;
  std::optional<at::ScalarType> dtype;  // autocast: absent = the device's own
  at::DeviceType device = at::kCPU;
};

struct Step {
  StepKind kind = StepKind::kOperator;
  std::optional<c10::OperatorHandle> op = {};
  ScalarOp scalar = nullptr;
  uint32_t region = 0;  // of Plan::regions
  uint32_t origin = 0;  // of Plan::origins
  Range operands = {}, results = {}, releases = {};
};

// The outermost numbered module around a node that is no mere list of others, such as h.0.
struct BlockOfNode {
  std::string call;   // of the module: the same for all nodes of one call
  std::string type;   // the class
  bool is_part = false;  // the node belongs to a module inside of it
};

// Where a step comes from, for messages.
struct Origin {
  std::string target;  // torch.ops.aten.linear.default
  std::string source;  // model.py:12: x = self.fc(x)
  std::string module;  // blocks.0.fc
  BlockOfNode block;
};

// Steps of one block, whose results need not be kept: [first, end) of Plan::steps.
struct Segment {
  std::string name;  // blocks.0
  uint32_t first = 0, end = 0;
  std::vector<Slot> inputs, outputs;  // values that come from outside, values that are needed outside
  std::vector<Slot> changing;         // of the inputs: buffers that the program changes
  std::vector<Slot> last_uses;        // of the inputs: those that nothing needs afterwards
  bool draws = false;
};

struct Plan {
  std::vector<Step> steps;
  std::vector<Operand> operands;
  std::vector<ListOperand> lists;
  std::vector<c10::IValue> constants;
  std::vector<Result> results;
  std::vector<Slot> list_slots, releases;
  std::vector<Region> regions;
  std::vector<Origin> origins;
  Slot num_slots = 0;                // inputs first, in the program's order
  size_t num_inputs = 0;
  std::vector<Operand> outputs;      // kConstant or kMove
  std::vector<Segment> segments;     // computed again in the backward pass; in order, apart from each other
};

// The values behind Plan::outputs. `values` holds the inputs and is as long as num_slots. Throws what the operators throw, with the step's origin added.
std::vector<c10::IValue> replay(const Plan& plan, std::vector<c10::IValue> values);

}  // namespace pt2
